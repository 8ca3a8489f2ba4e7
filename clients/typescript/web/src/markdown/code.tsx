/** A block of code: coloured once it is closed, with a copy button, folded where it is long. */

import { type ComponentChild } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { useCopy } from "../clipboard";
import { type Coloured, loadHighlighter, MAX_HIGHLIGHTED_CHARS } from "./highlight";

const FOLD_LINES = 30;
/** While code streams in, only its last chunk changes, and is laid out anew. */
const CHUNK_LINES = 40;

export function CodeBlock({ code, lang, closed }: { code: string; lang: string; closed: boolean }) {
  const coloured = useColours(code, lang, closed);
  const [unfolded, setUnfolded] = useState(false);
  const lines = useMemo(() => (closed ? code.split("\n").length : 0), [code, closed]);
  const foldable = lines > FOLD_LINES;
  return (
    <div class={foldable && !unfolded ? "code folded" : "code"} data-testid="code-block">
      <div class="code-bar">
        <span>{lang || "text"}</span>
        <CopyButton text={code} />
      </div>
      <pre tabIndex={0} data-highlighted={coloured ? "yes" : "no"}>
        <code>{coloured ? coloured.map(paint) : chunks(code)}</code>
      </pre>
      {foldable && (
        <button type="button" class="fold" aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)}>
          {unfolded ? "Show less" : `Show all ${lines} lines`}
        </button>
      )}
    </div>
  );
}

function useColours(code: string, lang: string, closed: boolean): Coloured[] | null {
  const [coloured, setColoured] = useState<{ code: string; tokens: Coloured[] | null } | null>(null);
  useEffect(() => {
    if (!closed || lang === "" || code.length > MAX_HIGHLIGHTED_CHARS) return;
    let wanted = true;
    loadHighlighter().then(
      (highlight) => wanted && setColoured({ code, tokens: highlight(code, lang) }),
      (error: unknown) => console.warn("Code stays plain, the highlighter did not load:", error),
    );
    return () => {
      wanted = false;
    };
  }, [code, lang, closed]);
  return coloured?.code === code ? coloured.tokens : null;
}

function paint(token: Coloured): ComponentChild {
  if (typeof token === "string") return token;
  return <span class={`hl-${token.kind}`}>{token.children.map(paint)}</span>;
}

function chunks(code: string): ComponentChild[] {
  const lines = code.split("\n");
  const parts: ComponentChild[] = [];
  for (let from = 0; from < lines.length; from += CHUNK_LINES) {
    const last = from + CHUNK_LINES >= lines.length;
    parts.push(<span class="chunk">{lines.slice(from, from + CHUNK_LINES).join("\n") + (last ? "" : "\n")}</span>);
  }
  return parts;
}

function CopyButton({ text }: { text: string }) {
  const { label, copy } = useCopy(() => text);
  return (
    <button type="button" class="quiet" onClick={copy} aria-label="Copy code">
      {label}
    </button>
  );
}
