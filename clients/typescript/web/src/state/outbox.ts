/**
 * One's own messages until the hub has them. Each has a `messageId` made here, and goes out again under the same id
 * until there is an answer, so that it is never lost and never doubled. Nothing but messages is queued: a stop or a
 * rating that could not be sent is not sent later.
 */

import type { Accepted, Position } from "./contract";
import type { Uploaded } from "./files";
import { callFailure, mayWorkLater } from "./errors";
import { Listeners, retryDelayMs, type Timers } from "./timers";

/** What is kept over a reload. */
export interface Draft {
  messageId: string;
  sessionId: string;
  content: string;
  createdAt: number;
  /** The session may not exist yet. */
  opens?: boolean;
  /** What was uploaded for it. */
  files?: Uploaded[];
  /** The user message that this one edits. */
  replaces?: string;
}

export interface Outgoing extends Draft {
  state: "waiting" | "sending" | "accepted" | "failed";
  error: string | null;
  /** How often it was handed to a connection without an answer. */
  attempts: number;
  /** Once accepted: the transcript has it somewhere behind this. */
  after?: Position;
}

/** Where drafts are kept: one key each, so that tabs do not overwrite each other's. */
export interface DraftStorage {
  load(): Draft[];
  save(draft: Draft): void;
  remove(messageId: string): void;
}

export const memoryStorage = (): DraftStorage => {
  const drafts = new Map<string, Draft>();
  return {
    load: () => [...drafts.values()],
    save: (draft) => void drafts.set(draft.messageId, draft),
    remove: (messageId) => void drafts.delete(messageId),
  };
};

/** A message over the hub's limit closes the connection each time; this often is enough. */
const MAX_LOST = 5;

export class Outbox {
  /** Oldest first. Entries are replaced, never changed in place. */
  entries: readonly Outgoing[] = [];
  private readonly listeners = new Listeners();
  private readonly pauses = new Map<string, () => void>();

  constructor(
    private readonly storage: DraftStorage,
    private readonly send: (draft: Draft) => Promise<Accepted>,
    private readonly isOnline: () => boolean,
    private readonly timers: Timers,
  ) {
    this.entries = storage
      .load()
      .sort((a, b) => a.createdAt - b.createdAt)
      .map((draft) => ({ ...draft, state: "waiting", error: null, attempts: 0 }));
  }

  readonly subscribe = this.listeners.add;

  of(sessionId: string): Outgoing[] {
    return this.entries.filter((entry) => entry.sessionId === sessionId);
  }

  add(draft: Draft): void {
    this.storage.save(draft);
    this.show([...this.entries, { ...draft, state: "waiting", error: null, attempts: 0 }]);
    this.pump();
  }

  /** Takes it out. True if the hub may have it already, so that it must be stopped there, too. */
  cancel(messageId: string): boolean {
    const entry = this.find(messageId);
    if (entry === undefined) return false;
    this.forget(messageId);
    return entry.state === "sending" || entry.state === "accepted" || entry.attempts > 0;
  }

  /** Takes it out without a word to the hub (another tab cancelled or delivered it). */
  forget(messageId: string): void {
    this.storage.remove(messageId);
    this.show(this.entries.filter((entry) => entry.messageId !== messageId));
    this.pump();
  }

  forgetSession(sessionId: string): void {
    for (const entry of this.of(sessionId)) this.forget(entry.messageId);
  }

  retry(messageId: string): void {
    this.put(messageId, { state: "waiting", error: null, attempts: 0 });
    this.pump();
  }

  /** Drops what the transcript shows by now; `whole`, the position of a new snapshot: also what that would show. */
  settle(sessionId: string, has: (messageId: string) => boolean, whole: Position | null): void {
    const rest = this.entries.filter((entry) => {
      if (entry.sessionId !== sessionId) return true;
      if (has(entry.messageId)) {
        this.storage.remove(entry.messageId);
        return false;
      }
      const { after } = entry;
      // A snapshot may have been taken before the hub had it, and come after the hub's answer.
      return whole === null || after === undefined || (whole.epoch === after.epoch && whole.offset <= after.offset);
    });
    if (rest.length !== this.entries.length) this.show(rest);
  }

  /** Sends what can be sent: per session in order, one at a time. */
  readonly pump = (): void => {
    if (!this.isOnline()) return;
    const busy = new Set<string>();
    for (const entry of this.entries) {
      if (busy.has(entry.sessionId) || this.pauses.has(entry.sessionId)) continue;
      if (entry.state === "waiting") void this.deliver(entry);
      if (entry.state === "waiting" || entry.state === "sending") busy.add(entry.sessionId);
    }
  };

  private async deliver({ state: _, error: __, after: ___, attempts, ...draft }: Outgoing): Promise<void> {
    const { messageId, sessionId } = draft;
    this.put(messageId, { state: "sending" });
    try {
      const { epoch, offset } = await this.send(draft);
      this.storage.remove(messageId);
      this.put(messageId, { state: "accepted", after: { epoch, offset } });
    } catch (error) {
      const failure = callFailure(error);
      if (!mayWorkLater(failure)) {
        this.put(messageId, { state: "failed", error: failure.text });
      } else if (attempts + 1 >= MAX_LOST && failure.lost) {
        this.put(messageId, { state: "failed", error: "The connection broke each time this was sent." });
      } else {
        this.put(messageId, { state: "waiting", attempts: attempts + 1 });
        const ms = (failure.retryAfterS ?? 0) * 1000 + retryDelayMs(attempts, this.timers.random());
        this.pause(sessionId, ms);
      }
    }
    this.pump();
  }

  private pause(sessionId: string, ms: number): void {
    const over = () => {
      this.pauses.delete(sessionId);
      this.pump();
    };
    this.pauses.set(sessionId, this.timers.after(ms, over));
  }

  private find(messageId: string): Outgoing | undefined {
    return this.entries.find((entry) => entry.messageId === messageId);
  }

  private put(messageId: string, change: Partial<Outgoing>): void {
    this.show(this.entries.map((entry) => (entry.messageId === messageId ? { ...entry, ...change } : entry)));
  }

  private show(entries: readonly Outgoing[]): void {
    this.entries = entries;
    this.listeners.call();
  }
}
