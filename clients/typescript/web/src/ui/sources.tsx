/** The sources of an answer: numbered marks in its text, and the list of them below it. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { safeHref } from "../markdown/links";
import type { Shown } from "../markdown/mark";
import { sourceText } from "../state/citations";
import type { Citation } from "../state/contract";

/** What a message keeps about its sources. */
export function useSources(sources: readonly Citation[]): Shown & { wanted: { number: number } | null } {
  const [wanted, setWanted] = useState<{ number: number } | null>(null);
  return { sources, open: (number) => setWanted({ number }), wanted };
}

/** `wanted`: the number that was asked for last; the same again is another object. */
export function SourceList({ sources, wanted }: { sources: readonly Citation[]; wanted: { number: number } | null }) {
  const list = useRef<HTMLDetailsElement>(null);
  useLayoutEffect(() => {
    if (wanted === null || list.current === null) return;
    list.current.open = true;
    const row = list.current.querySelector<HTMLElement>(`li:nth-child(${wanted.number})`);
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  }, [wanted]);
  return (
    <details class="sources" data-testid="sources" ref={list}>
      <summary>{sources.length === 1 ? "1 source" : `${sources.length} sources`}</summary>
      <ol>
        {sources.map((source, index) => (
          <li key={index} tabIndex={-1} data-testid="source">
            <Source source={source} />
          </li>
        ))}
      </ol>
    </details>
  );
}

function Source({ source }: { source: Citation }) {
  const href = source.url ? safeHref(source.url) : null;
  const { quote, ...rest } = source;
  const name = sourceText(rest);
  return (
    <>
      {href === null ? (
        <bdi>{name}</bdi>
      ) : (
        <a href={href} title={href} target="_blank" rel="noopener noreferrer nofollow">
          {name}
        </a>
      )}
      {quote && <q class="muted">{quote}</q>}
    </>
  );
}
