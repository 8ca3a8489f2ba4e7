/** Files on their way into a message: each is uploaded at once, and goes with the message that is sent next. */

import type { FilePart } from "./contract";
import { callFailure } from "./errors";
import { Listeners } from "./timers";

/** What is used of a browser's `File`. */
export interface Chosen {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}
export type Uploaded = Omit<FilePart, "type">;

/** Sends the bytes; `progress` hears of the part that is sent, from 0 to 1. Fails with an error as calls of the hub do. */
export type Upload = (
  sessionId: string,
  file: Chosen,
  mediaType: string,
  progress: (fraction: number) => void,
  signal: AbortSignal,
) => Promise<Uploaded>;

export interface Attachment {
  /** Unique in its list. */
  key: number;
  name: string;
  size: number;
  mediaType: string;
  state: "uploading" | "ready" | "failed";
  /** Of the upload, from 0 to 1. */
  progress: number;
  error: string | null;
  /** Trying again may help. */
  retryable: boolean;
  /** Once it is ready. */
  fileId?: string;
}

const TAKEN = ["image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain", "text/csv", "text/markdown"];
/** What the file dialog offers; of other texts only who knows what they are does not need a name. */
export const ACCEPTED = [...TAKEN, ".csv", ".md", ".txt", ".log", ".json", ".xml", ".yaml", ".yml", "text/*"].join(",");

const BY_ENDING: Record<string, string> = { csv: "text/csv", md: "text/markdown", markdown: "text/markdown", txt: "text/plain", log: "text/plain" };
const TEXTUAL = /^text\/|^application\/(json|xml|yaml|x-yaml|javascript|sql)$|\+(json|xml)$/;

/** The media type under which the hub takes it; null if it does not. */
export function mediaTypeOf({ name, type }: Chosen): string | null {
  const plain = type.split(";")[0]?.trim().toLowerCase() ?? "";
  const byEnding = BY_ENDING[name.slice(name.lastIndexOf(".") + 1).toLowerCase()];
  if (byEnding !== undefined) return byEnding;
  if (TAKEN.includes(plain)) return plain;
  return TEXTUAL.test(plain) ? "text/plain" : null;
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  return size < 1024 ** 2 ? `${Math.round(size / 1024)} KB` : `${Number((size / 1024 ** 2).toFixed(1))} MB`;
}

interface Kept {
  file: Chosen;
  end: AbortController;
}

export class Attachments {
  /** In the order in which they were added. Replaced, never changed in place. */
  entries: readonly Attachment[] = [];
  private readonly listeners = new Listeners();
  private readonly kept = new Map<number, Kept>(); // what is not ready
  private lastKey = 0;

  /** `prepare` sees to it that the session exists, and gives the largest size in bytes; null if nobody knows it. */
  constructor(
    private readonly sessionId: string,
    private readonly upload: Upload,
    private readonly prepare: () => Promise<number | null>,
    there: readonly Uploaded[] = [],
  ) {
    this.entries = there.map((file) => {
      const { fileId, name, mediaType, size } = file;
      return { key: ++this.lastKey, name, size, mediaType, state: "ready", progress: 1, error: null, retryable: false, fileId };
    });
  }

  readonly subscribe = this.listeners.add;

  get uploading(): boolean {
    return this.entries.some((entry) => entry.state === "uploading");
  }

  get failed(): boolean {
    return this.entries.some((entry) => entry.state === "failed");
  }

  add(files: readonly Chosen[]): void {
    for (const file of files) {
      const key = ++this.lastKey;
      const mediaType = mediaTypeOf(file) ?? "";
      const entry: Attachment = { key, name: file.name, size: file.size, mediaType, state: "uploading", progress: 0, error: null, retryable: false };
      this.show([...this.entries, entry]);
      if (mediaType === "") this.fail(key, "Files of this type cannot be sent. Images (PNG, JPEG, GIF, WebP), PDF and texts can.");
      else if (file.size === 0) this.fail(key, "This file is empty.");
      else void this.send(key, file, mediaType);
    }
  }

  /** Takes it out; an upload under way is broken off. */
  remove(key: number): void {
    this.kept.get(key)?.end.abort();
    this.kept.delete(key);
    this.show(this.entries.filter((entry) => entry.key !== key));
  }

  retry(key: number): void {
    const entry = this.entries.find((each) => each.key === key);
    const kept = this.kept.get(key);
    if (entry?.state !== "failed" || kept === undefined) return;
    this.put(key, { state: "uploading", progress: 0, error: null });
    void this.send(key, kept.file, entry.mediaType);
  }

  get ready(): Uploaded[] {
    return this.entries.flatMap(({ fileId, name, mediaType, size }) => (fileId === undefined ? [] : [{ fileId, name, mediaType, size }]));
  }

  /** Forgets those that are ready: they were sent. */
  clear(): void {
    this.show(this.entries.filter((entry) => entry.fileId === undefined));
  }

  /** Breaks off all that is under way. */
  close(): void {
    for (const { end } of this.kept.values()) end.abort();
  }

  private async send(key: number, file: Chosen, mediaType: string): Promise<void> {
    const end = new AbortController();
    this.kept.set(key, { file, end });
    try {
      const most = await this.prepare();
      if (end.signal.aborted) return;
      if (most !== null && file.size > most) return this.fail(key, `This file has ${bytes(file.size)}. At most ${bytes(most)} can be sent.`);
      const progress = (fraction: number) => this.put(key, { progress: fraction });
      const stored = await this.upload(this.sessionId, file, mediaType, progress, end.signal);
      this.kept.delete(key);
      this.put(key, { ...stored, state: "ready", progress: 1 });
    } catch (error) {
      if (end.signal.aborted) return;
      const { text, lost, code } = callFailure(error);
      const again = lost || ["unavailable", "backplane_away", "rate_limited", "too_slow"].includes(code ?? "");
      this.fail(key, lost ? "The connection broke." : text, again);
    }
  }

  private fail(key: number, error: string, retryable = false): void {
    if (!retryable) this.kept.delete(key);
    this.put(key, { state: "failed", error, retryable });
  }

  private put(key: number, change: Partial<Attachment>): void {
    this.show(this.entries.map((entry) => (entry.key === key ? { ...entry, ...change } : entry)));
  }

  private show(entries: readonly Attachment[]): void {
    this.entries = entries;
    this.listeners.call();
  }
}
