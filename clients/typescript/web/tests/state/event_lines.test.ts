import { describe, expect, it } from "vitest";
import { EventLines } from "../../src/state/event_lines";
import { seeded } from "../random";

function taken(pieces: string[]): string[] {
  const found: string[] = [];
  const lines = new EventLines((data) => found.push(data));
  for (const piece of pieces) lines.push(piece);
  return found;
}

describe("server-sent events", () => {
  it("gives each event's data, and nothing else", () => {
    const text = 'retry: 1000\n\n: comment\n\nid: e:1\ndata: {"a":1}\n\nid: e:2\ndata:two\ndata: lines\n\n';
    expect(taken([text])).toEqual(['{"a":1}', "two\nlines"]);
  });

  it("takes line ends of both kinds", () => {
    expect(taken(["id: 1\r\ndata: x\r\n\r\ndata: y\r\n\r\n"])).toEqual(["x", "y"]);
  });

  it("gives no event that is not whole", () => {
    expect(taken(["data: x\n"])).toEqual([]);
  });

  it("does not mind where the pieces are cut", () => {
    const text = ": hello\n\nid: e:1\ndata: first one\n\nid: e:2\ndata: second\n\n";
    const random = seeded(1);
    for (let round = 0; round < 200; round++) {
      const cuts = [0, ...Array.from({ length: 4 }, () => Math.floor(random() * text.length)).sort((a, b) => a - b), text.length];
      const pieces = cuts.slice(1).map((end, index) => text.slice(cuts[index], end));
      expect(taken(pieces)).toEqual(["first one", "second"]);
    }
  });
});
