/** What an answer rests on: numbers its sources, and sets their marks into its text. */

import type { Citation, Part } from "./contract";

/** A mark in a Markdown text: characters for private use, which no text has, around numbers that count from 1. */
export const MARK = /\uE000([0-9,]+)\uE001/;
const ALL_MARKS = /\uE000[0-9,]+\uE001/g;

export const withoutMarks = (text: string): string => (text.includes("\uE000") ? text.replace(ALL_MARKS, "") : text);

export interface Cited {
  /** In the order of their numbers, each once. */
  sources: readonly Citation[];
  /** By the parts' places, the texts that have citations, with their marks. */
  texts: ReadonlyMap<number, string>;
}

const NONE: Cited = { sources: [], texts: new Map() };

export function citedIn(parts: readonly Part[]): Cited {
  if (!parts.some((part) => part.type === "text" && part.citations?.length)) return NONE;
  const numbers = new Map<string, number>();
  const sources: Citation[] = [];
  const texts = new Map<number, string>();
  parts.forEach((part, index) => {
    if (part.type !== "text" || !part.citations?.length) return;
    const marks = new Map<number, Set<number>>(); // by place in the text
    for (const citation of part.citations) {
      const { source, title, url, fileId, quote, page, endPage, end } = citation;
      const key = JSON.stringify([source, title, url, fileId, quote, page, endPage]);
      let number = numbers.get(key);
      if (number === undefined) numbers.set(key, (number = sources.push(citation)));
      const place = placeBefore(part.text, end ?? part.text.length);
      if (place === null) continue; // it is in the list all the same
      const there = marks.get(place) ?? new Set();
      marks.set(place, there.add(number));
    }
    texts.set(index, marked(part.text, marks));
  });
  return { sources, texts };
}

/** Where a mark for a passage that ends at `end` may stand without breaking what the Markdown means; null: nowhere. */
function placeBefore(text: string, end: number): number | null {
  const place = text.slice(0, Math.max(0, end)).replace(/[\s|]+$/, "").length;
  const line = text.slice(text.lastIndexOf("\n", place - 1) + 1, place);
  return /^\s*(```|~~~|([-*_=]\s*)+$)/.test(line) ? null : place;
}

function marked(text: string, marks: ReadonlyMap<number, ReadonlySet<number>>): string {
  let from = 0;
  let whole = "";
  for (const place of [...marks.keys()].sort((a, b) => a - b)) {
    whole += `${text.slice(from, place)}\uE000${[...(marks.get(place) ?? [])].join(",")}\uE001`;
    from = place;
  }
  return whole + text.slice(from);
}

/** A source in a line: what it is called, where in it, and its own words. */
export function sourceText({ title, url, page, endPage, quote }: Citation): string {
  const pages = page == null ? "" : endPage != null && endPage !== page ? `, pages ${page}–${endPage}` : `, page ${page}`;
  return `${title || url || "A document"}${pages}${quote ? `: “${quote}”` : ""}`;
}
