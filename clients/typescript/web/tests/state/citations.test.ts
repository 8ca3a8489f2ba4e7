import { expect, test } from "vitest";
import { citedIn, sourceText, withoutMarks } from "../../src/state/citations";
import type { Citation, Part } from "../../src/state/contract";

const page = (url: string, end?: number): Citation => ({ source: "web", url, ...(end !== undefined && { start: 0, end }) });
const text = (text: string, ...citations: Citation[]): Part => ({ type: "text", text, citations });
const shown = (parts: Part[]) => [...citedIn(parts).texts.values()].map((each) => each.replace(/\uE000/g, "‹").replace(/\uE001/g, "›"));

test("marks stand behind their passages, and the same source has one number", () => {
  const parts = [
    text("One. Two.", page("https://a.example", 4), page("https://b.example", 4), page("https://a.example", 9)),
    { type: "thinking", text: "Hm." } as Part,
    text("Three.", page("https://b.example"), page("https://c.example")),
  ];
  expect(shown(parts)).toEqual(["One.‹1,2› Two.‹1›", "Three.‹2,3›"]);
  const { sources, texts } = citedIn(parts);
  expect(sources.map(({ url }) => url)).toEqual(["https://a.example", "https://b.example", "https://c.example"]);
  expect([...texts.keys()]).toEqual([0, 2]);
  expect([...texts.values()].map(withoutMarks)).toEqual(["One. Two.", "Three."]);
});

test.each([
  ["spaces and line ends", "One.\n\nTwo.", 6, "One.‹1›\n\nTwo."],
  ["the end of a table's row", "| a | b |\n| c |", 10, "| a | b‹1› |\n| c |"],
  ["a fence", "```\nx\n```\nTwo.", 9, "```\nx\n```\nTwo."],
  ["a rule", "One.\n\n---\n\nTwo.", 9, "One.\n\n---\n\nTwo."],
  ["more than there is", "One.", 100, "One.‹1›"],
  ["nothing", "One.", 0, "‹1›One."],
])("a mark at %s breaks no Markdown", (_name, given, end, expected) => {
  expect(shown([text(given, page("https://a.example", end))])).toEqual([expected]);
});

test("without citations nothing is touched", () => {
  expect(citedIn([{ type: "text", text: "One." }])).toEqual({ sources: [], texts: new Map() });
});

test("a source in a line", () => {
  expect(sourceText({ source: "document", title: "report.pdf", page: 3, endPage: 3, quote: "Total: 7" })).toBe("report.pdf, page 3: “Total: 7”");
  expect(sourceText({ source: "document", title: "report.pdf", page: 3, endPage: 5 })).toBe("report.pdf, pages 3–5");
  expect(sourceText({ source: "web", url: "https://a.example" })).toBe("https://a.example");
  expect(sourceText({ source: "document" })).toBe("A document");
});
