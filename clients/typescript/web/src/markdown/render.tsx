/**
 * Markdown tokens to elements. There is no HTML string anywhere on the way: raw HTML in a text is shown as text, images
 * become links (nothing is loaded from elsewhere), and only plain addresses become links.
 */

import type { MarkedToken, Token, Tokens } from "marked";
import type { ComponentChild, JSX } from "preact";
import { MARK, withoutMarks } from "../state/citations";
import { CodeBlock } from "./code";
import { decodeEntities } from "./entities";
import { safeHref } from "./links";
import { Mark } from "./mark";

export function renderBlock(token: Token, closed: boolean): ComponentChild {
  const known = token as MarkedToken;
  switch (known.type) {
    case "heading":
      return heading(known);
    case "paragraph":
      return <p>{renderInline(known.tokens)}</p>;
    case "text":
      return known.tokens ? renderInline(known.tokens) : prose(decodeEntities(known.text));
    case "code":
      return <CodeBlock code={withoutMarks(known.text)} lang={language(known.lang)} closed={closed || isFenceClosed(known.raw)} />;
    case "blockquote":
      return <blockquote>{renderBlocks(known.tokens, closed)}</blockquote>;
    case "list":
      return list(known, closed);
    case "table":
      return table(known);
    case "hr":
      return <hr />;
    case "html":
      return <p class="raw-html">{withoutMarks(known.raw).trimEnd()}</p>;
    case "space":
    case "def":
      return null;
    default:
      return renderInline([token]);
  }
}

function renderBlocks(tokens: Token[], closed: boolean): ComponentChild[] {
  return tokens.map((token) => renderBlock(token, closed));
}

function renderInline(tokens: Token[]): ComponentChild[] {
  return tokens.map(inline);
}

function inline(token: Token): ComponentChild {
  const known = token as MarkedToken;
  switch (known.type) {
    case "text":
      return known.tokens ? renderInline(known.tokens) : prose(known.escaped ? known.raw : decodeEntities(known.text));
    case "escape":
      return known.text;
    case "strong":
      return <strong>{renderInline(known.tokens)}</strong>;
    case "em":
      return <em>{renderInline(known.tokens)}</em>;
    case "del":
      return <del>{renderInline(known.tokens)}</del>;
    case "codespan":
      return <code>{withoutMarks(known.text)}</code>;
    case "br":
      return <br />;
    case "link":
      return link(known);
    case "image":
      return image(known);
    case "checkbox":
      return <input type="checkbox" checked={known.checked} disabled aria-label={known.checked ? "Done" : "Not done"} />;
    default:
      // Raw HTML, and whatever a newer lexer may know: what was written.
      return withoutMarks(token.raw);
  }
}

/** Text with the marks of its sources. */
function prose(text: string): ComponentChild {
  if (!text.includes("\uE000")) return text;
  return text.split(MARK).map((piece, index) => (index % 2 === 0 ? piece : <Mark numbers={piece} />));
}

function link(token: Tokens.Link): ComponentChild {
  const href = safeHref(withoutMarks(token.autolink ? token.href : decodeEntities(token.href)));
  // An address at the end of a passage has the passage's mark in it.
  const text = token.autolink ? prose(token.text) : renderInline(token.tokens);
  return href === null ? <span class="no-link">{text}</span> : outbound(href, text);
}

function image(token: Tokens.Image): ComponentChild {
  const href = safeHref(decodeEntities(token.href));
  const text = decodeEntities(token.text) || "image";
  return href === null ? <span class="no-link">{text}</span> : outbound(href, `🖼 ${text}`);
}

function outbound(href: string, text: ComponentChild | ComponentChild[]): ComponentChild {
  return (
    <a href={href} title={href} target="_blank" rel="noopener noreferrer nofollow">
      {text}
    </a>
  );
}

function heading({ depth, tokens }: Tokens.Heading): ComponentChild {
  // The page's own headings are h1 and h2.
  const Tag = `h${Math.min(6, depth + 2)}` as keyof JSX.IntrinsicElements & "h3";
  return <Tag class={`md-h${depth}`}>{renderInline(tokens)}</Tag>;
}

function list({ ordered, start, items }: Tokens.List, closed: boolean): ComponentChild {
  const rows = items.map((item) => <li class={item.task ? "task" : undefined}>{renderBlocks(item.tokens, closed)}</li>);
  if (!ordered) return <ul>{rows}</ul>;
  return <ol start={start === "" ? 1 : start}>{rows}</ol>;
}

function table({ header, rows }: Tokens.Table): ComponentChild {
  const cell = (Tag: "th" | "td") => (of: Tokens.TableCell) => (
    <Tag class={cellClass(of)}>{renderInline(of.tokens)}</Tag>
  );
  return (
    <div class="table" tabIndex={0} role="region" aria-label="Table">
      <table>
        <thead>
          <tr>{header.map(cell("th"))}</tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>{row.map(cell("td"))}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const LONG_CELL_CHARS = 24;

function cellClass({ align, text }: Tokens.TableCell): string | undefined {
  const names = [align && `align-${align}`, text.length > LONG_CELL_CHARS && "long"].filter(Boolean);
  return names.length > 0 ? names.join(" ") : undefined;
}

function language(lang: string | undefined): string {
  return /^[\w+#.-]{1,30}/.exec(lang ?? "")?.[0].toLowerCase() ?? "";
}

/** Whether a fenced block has its closing line. (An indented one is closed by what follows it.) */
function isFenceClosed(raw: string): boolean {
  const fence = /^ {0,3}(`{3,}|~{3,})/.exec(raw)?.[1];
  const end = raw.trimEnd();
  const lastLine = end.lastIndexOf("\n");
  if (fence === undefined || lastLine < 0) return false;
  const last = end.slice(lastLine + 1).trim();
  return last.startsWith(fence) && last === (fence[0] ?? "").repeat(last.length);
}
