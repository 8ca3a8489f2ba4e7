/** Colours for code, loaded when the first block of code has closed. Gives tokens, not HTML. */

/** Text, or a stretch of the given kind (`keyword`, `string`, …). */
export type Coloured = string | { kind: string; children: Coloured[] };

export type Highlighter = (code: string, lang: string) => Coloured[] | null;

/** Longer code stays plain: colouring it would hold up the page. */
export const MAX_HIGHLIGHTED_CHARS = 40_000;

let loading: Promise<Highlighter> | null = null;

export function loadHighlighter(): Promise<Highlighter> {
  loading ??= import("./languages").then((module) => module.highlight);
  return loading;
}
