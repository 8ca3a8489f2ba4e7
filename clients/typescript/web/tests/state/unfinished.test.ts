import { describe, expect, it } from "vitest";
import { type TextStorage, Unfinished } from "../../src/state/unfinished";

function storage(): TextStorage & { texts: Map<string, string> } {
  const texts = new Map<string, string>();
  return {
    texts,
    load: () => [...texts],
    save: (name, text) => void texts.set(name, text),
    remove: (name) => void texts.delete(name),
  };
}

describe("unfinished texts", () => {
  it("are there again, each for its chat, until they are emptied", () => {
    const kept = storage();
    const unfinished = new Unfinished(kept);
    unfinished.keep("a", "half a");
    unfinished.keep("b", "half b");
    unfinished.keep("a", "half a sentence");
    const again = new Unfinished(kept);
    expect([again.of("a"), again.of("b"), again.of("c")]).toEqual(["half a sentence", "half b", ""]);
    again.keep("a", "");
    expect([...kept.texts.keys()]).toEqual(["b"]);
  });

  it("are no more than 20, the latest", () => {
    const kept = storage();
    const unfinished = new Unfinished(kept);
    for (let number = 0; number < 20; number++) unfinished.keep(`${number}`, "text");
    unfinished.keep("0", "again");
    unfinished.keep("20", "text");
    expect(kept.texts.size).toBe(20);
    expect([unfinished.of("0"), unfinished.of("1"), unfinished.of("2")]).toEqual(["again", "", "text"]);
  });

  it("are not kept when they are too long, nor is what was there before", () => {
    const kept = storage();
    const unfinished = new Unfinished(kept);
    unfinished.keep("a", "short");
    unfinished.keep("a", "x".repeat(100_001));
    expect(unfinished.of("a")).toBe("");
    expect(kept.texts.size).toBe(0);
  });
});
