import { Lexer } from "marked";
import { describe, expect, it } from "vitest";
import { BlockSplitter } from "../../src/markdown/blocks";
import { pick, seeded } from "../random";

const PIECES = [
  "# Title\n", "Setext\n===\n", "Some *text* with **bold** and `code`.\n", "two\nlines\n", "\n", "\n\n", "- one\n",
  "- two\n\n", "  continued\n", "1. a\n", "2. b\n", "2", ". c\n", "* star\n", "> quote\n", "> - in quote\n", "lazy\n",
  "```py\nx = 1\n", "```\n", "~~~\ncode\n\n~~~\n", "    indented\n", "| a | b |\n|---|:-:|\n| 1 | 2 |\n", "| 3 | 4 |\n",
  "---\n", "***\n", "<div>\n", "</div>\n", "<!-- comment\n", "-->\n", "<script>alert(1)</script>\n", "![i](http://x/y.png)\n",
  "[l](https://example.org)", "[ref]", "[ref]: https://example.org 'T'\n", "- [ ] todo\n", "- [x] done\n", "a  \nb\n",
  "\\* no list\n", "~~gone~~\n", "**open ", "`open ", "~~~", "1. x\n\n   y\n", "\tTab\n", "ends here", "\r\n", "😀",
];

const whole = (text: string) =>
  new Lexer({ gfm: true }).lex(text).filter((token) => token.type !== "space" && token.type !== "def");

/** Tokens without `raw`, whose blank lines at the end belong to whoever saw them first. */
const plain = (tokens: unknown): unknown =>
  JSON.parse(JSON.stringify(tokens, (key, value: unknown) => (key === "raw" ? undefined : value)));

function streamed(text: string, random: () => number) {
  const splitter = new BlockSplitter();
  for (let end = 0; end < text.length; end += 1 + Math.floor(random() * 12)) splitter.update(text.slice(0, end), true);
  return splitter.update(text, false);
}

describe("a text that is streamed in chunks", () => {
  it("has the blocks of the whole text, whatever the chunks", () => {
    for (let seed = 0; seed < 1500; seed++) {
      const random = seeded(seed);
      const text = Array.from({ length: 1 + Math.floor(random() * 14) }, () => pick(random, PIECES)).join("");
      const tokens = streamed(text, random).map((block) => block.token);
      expect(plain(tokens), `seed ${seed}: ${JSON.stringify(text)}`).toEqual(plain(whole(text)));
    }
  });

  it("numbers its blocks from 0 without a hole", () => {
    const text = "# a\n\nb\n\n- c\n- d\n\ne";
    expect(streamed(text, seeded(1)).map((block) => block.key)).toEqual([0, 1, 2, 3]);
  });

  it("keeps the token of a closed block", () => {
    const splitter = new BlockSplitter();
    const before = splitter.update("first\n\nsecond\n", true);
    const after = splitter.update("first\n\nsecond\nmore\n\nthird\n", true);
    expect(before[0]?.closed).toBe(true);
    expect(after[0]?.token).toBe(before[0]?.token);
    expect(after[1]?.closed).toBe(true);
    expect(after[2]?.closed).toBe(false);
  });

  it("completes open marks only while it grows", () => {
    const splitter = new BlockSplitter();
    expect(JSON.stringify(splitter.update("**bol", true))).toContain('"strong"');
    expect(JSON.stringify(splitter.update("**bol", false))).not.toContain('"strong"');
  });

  it("starts over when the text is another one", () => {
    const splitter = new BlockSplitter();
    splitter.update("one\n\ntwo\n\nthree\n", true);
    expect(splitter.update("other\n\ntext", false).map((block) => block.token.raw)).toEqual(["other", "text"]);
  });
});
