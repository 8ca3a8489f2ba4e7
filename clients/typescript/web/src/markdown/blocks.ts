/**
 * Splits a growing Markdown text into blocks, lexing only what may still change.
 *
 * A block is closed once another one has begun behind it on a complete line: nothing appended later changes it, and its
 * token is the same object from then on. The rest, the open tail, is lexed anew with each update, its unclosed marks
 * completed for show. The blocks of the finished text are those of lexing it whole (tests/blocks.test.ts).
 */

import { Lexer, type Links, type Token } from "marked";
import remend from "remend";

export interface Block {
  /** Its place among the blocks; stays while the text grows. */
  key: number;
  token: Token;
  closed: boolean;
}

const FENCE = /^ {0,3}(?:```|~~~)/;
/** Past this the tail is shown as it is: completing its marks takes time that grows with its square. */
const MAX_COMPLETED_CHARS = 4000;

export class BlockSplitter {
  private text = "";
  private closed: Block[] = [];
  private closedEnd = 0;
  /** How much of the tail's complete lines has been looked at. */
  private seenEnd = 0;
  /** Targets of `[name]`, out of closed blocks. */
  private links: Links = {};
  private hasLinks = false;

  /** The blocks of `text`. `growing`: more may be appended to it. */
  update(text: string, growing: boolean): readonly Block[] {
    const source = normalised(text, growing);
    if (!source.startsWith(this.text.slice(0, this.closedEnd))) this.reset();
    this.text = source;
    if (!growing) return this.finish();
    this.closeWhatIsDone();
    const tail = source.slice(this.closedEnd);
    return [...this.closed, ...this.numbered(this.lex(completed(tail)), false)];
  }

  private finish(): readonly Block[] {
    const tail = this.lex(this.text.slice(this.closedEnd));
    if (this.hasLinks) {
      // `[a]: https://…` at the end also makes links of what came before it.
      this.reset();
      return this.numbered(this.lex(this.text), true);
    }
    return [...this.closed, ...this.numbered(tail, true)];
  }

  private closeWhatIsDone(): void {
    const linesEnd = this.text.lastIndexOf("\n") + 1;
    if (linesEnd <= Math.max(this.seenEnd, this.closedEnd)) return;
    this.seenEnd = linesEnd;
    const lines = this.text.slice(this.closedEnd, linesEnd);
    const tokens = this.lex(lines);
    // The last block may go on; blank lines behind it do not close it (lists).
    const open = tokens.findLastIndex((token) => token.type !== "space");
    const done = tokens.slice(0, Math.max(0, open));
    const raw = done.map((token) => token.raw).join("");
    if (!lines.startsWith(raw)) return; // the lexer rewrote it: keep all of it open
    for (const token of done) {
      if (token.type === "def") this.links[token["tag"] as string] ??= { href: token["href"], title: token["title"] };
    }
    this.closed.push(...this.numbered(done, true));
    this.closedEnd += raw.length;
  }

  private lex(source: string): Token[] {
    const lexer = new Lexer({ gfm: true });
    Object.assign(lexer.tokens.links, this.links);
    const tokens = lexer.lex(source);
    this.hasLinks ||= Object.keys(tokens.links).length > 0;
    return tokens;
  }

  private numbered(tokens: Token[], closed: boolean): Block[] {
    const shown = tokens.filter((token) => token.type !== "space" && token.type !== "def");
    return shown.map((token, index) => ({ key: this.closed.length + index, token, closed }));
  }

  private reset(): void {
    this.closed = [];
    this.closedEnd = this.seenEnd = 0;
    this.links = {};
    this.hasLinks = false;
  }
}

function normalised(text: string, growing: boolean): string {
  if (!text.includes("\r")) return text;
  // A carriage return at the end may be half of a line end.
  const whole = growing && text.endsWith("\r") ? text.slice(0, -1) : text;
  return whole.replace(/\r\n?/g, "\n");
}

/** The tail with its open marks closed, so that `**bol` already shows as bold. */
function completed(tail: string): string {
  if (FENCE.test(tail) || tail.length > MAX_COMPLETED_CHARS) return tail;
  return remend(tail, { linkMode: "text-only", katex: false });
}
