import { expect, test } from "vitest";
import { Attachments, type Chosen, mediaTypeOf, type Upload, type Uploaded } from "../../src/state/files";
import { settled } from "./fakes";

const file = (name = "a.png", type = "image/png", size = 10): Chosen => ({ name, type, size });

interface Sent {
  name: string;
  mediaType: string;
  progress: (fraction: number) => void;
  signal: AbortSignal;
  done: (stored: Uploaded) => void;
  fail: (error: Error) => void;
}

function listed(most: number | null = 1000, there: Uploaded[] = []) {
  const sent: Sent[] = [];
  const upload: Upload = (_session, { name }, mediaType, progress, signal) =>
    new Promise((done, fail) => sent.push({ name, mediaType, progress, signal, done, fail }));
  return { list: new Attachments("s-1", upload, async () => most, there), sent };
}

const stored = (fileId: string, name = "a.png"): Uploaded => ({ fileId, name, mediaType: "image/png", size: 10 });

test.each([
  ["a.png", "image/png", "image/png"],
  ["a.csv", "application/vnd.ms-excel", "text/csv"],
  ["A.MD", "", "text/markdown"],
  ["a.json", "application/json", "text/plain"],
  ["a.py", "text/x-python; charset=utf-8", "text/plain"],
  ["a.pdf", "application/pdf", "application/pdf"],
  ["a.exe", "application/x-msdownload", null],
  ["a", "", null],
])("%s of type %j is sent as %j", (name, type, expected) => {
  expect(mediaTypeOf(file(name, type))).toBe(expected);
});

test("a file is uploaded at once, and is ready with what the hub made of it", async () => {
  const { list, sent } = listed();
  list.add([file()]);
  expect(list.uploading).toBe(true);
  await settled();
  sent[0]?.progress(0.5);
  expect(list.entries[0]).toMatchObject({ state: "uploading", progress: 0.5 });
  sent[0]?.done(stored("f-1", "clean.png"));
  await settled();
  expect(list.entries[0]).toMatchObject({ state: "ready", name: "clean.png" });
  expect(list.ready).toEqual([stored("f-1", "clean.png")]);
  list.clear();
  expect(list.entries).toEqual([]);
});

test("what cannot be taken is said without sending it", async () => {
  const { list, sent } = listed(1024 * 1024);
  list.add([file("a.exe", ""), file("b.png", "image/png", 0), file("c.png", "image/png", 2.5 * 1024 * 1024)]);
  await settled();
  expect(sent).toEqual([]);
  expect(list.failed).toBe(true);
  expect(list.entries.map((entry) => entry.error)).toEqual([
    "Files of this type cannot be sent. Images (PNG, JPEG, GIF, WebP), PDF and texts can.",
    "This file is empty.",
    "This file has 2.5 MB. At most 1 MB can be sent.",
  ]);
  expect(list.entries.every((entry) => !entry.retryable)).toBe(true);
});

test("an upload that broke is tried again when asked to; one that was refused is not", async () => {
  const { list, sent } = listed();
  list.add([file(), file("b.png")]);
  await settled();
  sent[0]?.fail(new Error("Invocation canceled due to the underlying connection being closed."));
  sent[1]?.fail(new Error("[too_large] The session's files would be too many."));
  await settled();
  expect(list.entries.map(({ error, retryable }) => [error, retryable])).toEqual([
    ["The connection broke.", true],
    ["The session's files would be too many.", false],
  ]);
  for (const { key } of list.entries) list.retry(key);
  await settled();
  expect(sent.map(({ name }) => name)).toEqual(["a.png", "b.png", "a.png"]);
  sent[2]?.done(stored("f-1"));
  await settled();
  expect(list.entries.map(({ state }) => state)).toEqual(["ready", "failed"]);
});

test("one that is taken out is broken off and leaves nothing", async () => {
  const { list, sent } = listed();
  list.add([file()]);
  await settled();
  list.remove(list.entries[0]?.key ?? 0);
  expect(sent[0]?.signal.aborted).toBe(true);
  sent[0]?.fail(new Error("aborted"));
  await settled();
  expect(list.entries).toEqual([]);
});

test("a list may begin with what is there already, and ends all uploads when it is closed", async () => {
  const { list, sent } = listed(null, [stored("f-0")]);
  list.add([file()]);
  await settled();
  expect(list.ready).toEqual([stored("f-0")]);
  list.close();
  expect(sent[0]?.signal.aborted).toBe(true);
});
