/** One open session: follows its journal, and does to it what the user asks. */

import { type Connection, follow } from "./connection";
import type { ApprovalAnswer, Message, Opened, Resolved, SessionEvent, Stopped } from "./contract";
import { callFailure, NO_SUCH_CHAT } from "./errors";
import { Attachments, type Upload, type Uploaded } from "./files";
import type { Outbox } from "./outbox";
import { Presence } from "./presence";
import { type Frame, SessionStore } from "./store";
import { Listeners, newId } from "./timers";
import type { MessageView } from "./transcript";
import { Typing } from "./typing";

/** What the hub takes in one call by default (1 MiB), less what surrounds the text. */
const MAX_CONTENT_BYTES = 1_040_000;
const HISTORY_PAGE = 30;

export class Chat {
  readonly store: SessionStore;
  readonly presence = new Presence();
  readonly typing: Typing;
  /** What goes with the next message. */
  readonly attachments: Attachments;
  /** Why there is nothing to follow any more, in a sentence. */
  gone: string | null = null;
  loadingOlder = false;
  /** The snapshot that the outbox was last compared with. */
  private settled = 0;
  private readonly leaveOutbox: () => void;
  private end: (() => void) | null = null;
  private closed = false;
  /** How often in a row what came did not fit. */
  private gaps = 0;
  /** The position up to which the hub was told that it was read. */
  private read = "";
  /** The position is of no use any more. */
  private wantsWhole = false;
  private readonly reported = new Set<string>();
  private readonly listeners = new Listeners();

  /** `isNew`: the session is opened by its first message; until then there is nothing to follow. */
  constructor(
    readonly sessionId: string,
    public isNew: boolean,
    private readonly connection: Connection,
    private readonly outbox: Outbox,
    frame: Frame,
    private readonly complain: (text: string) => void,
    private readonly isSeen: () => boolean,
    private readonly upload: Upload,
    attachments?: Attachments,
  ) {
    this.store = new SessionStore(frame);
    this.attachments = attachments ?? this.collect([]);
    this.typing = new Typing(sessionId, connection, this.presence);
    this.store.flushed.add(this.settle);
    this.store.flushed.add(this.markRead);
    this.leaveOutbox = outbox.subscribe(this.settle);
    if (!isNew) this.watch();
  }

  readonly subscribe = this.listeners.add;

  /** Nothing was said in it yet, so that nothing names it but this page. */
  get blank(): boolean {
    return this.isNew && this.outbox.of(this.sessionId).length === 0;
  }

  /** Tells the hub that what is shown was seen, once an answer is whole. */
  readonly markRead = (): void => {
    const { position, run } = this.store.transcript;
    if (position === null || run !== null || !this.isSeen()) return;
    const place = `${position.epoch}:${position.offset}`;
    if (place === this.read) return;
    this.read = place;
    this.connection.invoke("MarkRead", this.sessionId, position.offset).catch(() => {
      this.read = ""; // said again with what comes next
    });
  };

  close(): void {
    this.closed = true;
    this.typing.ended();
    this.leaveOutbox();
    this.end?.();
    this.end = null;
  }

  /** Begins to follow; called once the session exists. */
  watch(): void {
    if (this.end !== null || this.closed) return;
    this.isNew = false;
    this.end = follow<SessionEvent>(this.connection, {
      call: () => ["Watch", this.sessionId, this.wantsWhole ? null : this.store.transcript.position],
      next: (event) => this.take(event),
      ended: (reason, code) => {
        // The only argument that may be wrong is the id, from the page's address.
        if (code === "invalid_arguments") reason = NO_SUCH_CHAT;
        this.gone = reason ?? "This chat was deleted, or is no longer shared with you.";
        this.listeners.call();
      },
    });
    this.listeners.call();
  }

  /** Files for a message of this chat, beginning with those that are there already. */
  collect(there: readonly Uploaded[]): Attachments {
    return new Attachments(this.sessionId, this.upload, this.prepare, there);
  }

  send(content: string, more: { replaces?: string; files?: Uploaded[] } = {}): boolean {
    if (new TextEncoder().encode(JSON.stringify(content)).length > MAX_CONTENT_BYTES) {
      this.complain("This message is too long to send (over 1 MB). Please shorten it.");
      return false;
    }
    const draft = { messageId: newId("m-"), sessionId: this.sessionId, content, createdAt: Date.now(), ...more };
    this.outbox.add(this.isNew ? { ...draft, opens: true } : draft);
    return true;
  }

  /** Goes on from an answer that was stopped or cut off. */
  continueFrom(runId: string): Promise<void> {
    return this.ask("SendMessage", { messageId: newId("m-"), content: "" }, { continues: runId });
  }

  /** Whether there is something that `stop` would stop. */
  get stoppable(): boolean {
    return this.store.transcript.run !== null || this.starting() !== undefined;
  }

  async stop(): Promise<void> {
    const run = this.store.transcript.run;
    if (run) return this.stopBy({ runId: run.runId });
    const waiting = this.starting();
    if (waiting) await this.cancelMessage(waiting);
  }

  /** A message that has not begun to be answered: taken out here, and at the hub if it may be there. */
  async cancelMessage(messageId: string): Promise<void> {
    const known = this.store.transcript.messages.has(messageId);
    if (this.outbox.cancel(messageId) || known) await this.stopBy({ messageId });
  }

  regenerate(messageId: string): Promise<void> {
    return this.ask("Regenerate", { regenerateId: newId("g-"), messageId });
  }

  /** Allows a call that waits, or does not. Whoever comes second is told who was first. */
  async resolveApproval(callId: string, answer: ApprovalAnswer): Promise<void> {
    try {
      const { accepted, resolution } = await this.connection.invoke<Resolved>("ResolveApproval", this.sessionId, callId, answer);
      if (!accepted) this.complain(`${resolution.by} was first: the call was ${resolution.approve ? "allowed" : "denied"} already.`);
    } catch (error) {
      this.complainOf(error);
    }
  }

  rate(messageId: string, score: -1 | 0 | 1): Promise<void> {
    return this.ask("Rate", messageId, { score });
  }

  rename(title: string): Promise<void> {
    return this.ask("UpdateSession", { title });
  }

  /** Tells the hub of an error in this page, once per message. It is about an error already: it makes no other one. */
  reportError(messageId: string, text: string): void {
    if (this.reported.has(messageId)) return;
    this.reported.add(messageId);
    this.connection
      .invoke("ReportError", this.sessionId, { source: "viewer", text: text.slice(0, 2000), messageId })
      .catch((error: unknown) => console.warn("The hub could not be told of an error:", error));
  }

  async loadOlder(): Promise<void> {
    const { transcript } = this.store;
    if (this.loadingOlder || !transcript.hasMore) return;
    const generation = transcript.generation;
    const before = transcript.order[0];
    this.loadingOlder = true;
    this.listeners.call();
    try {
      const page = await this.connection.invoke<{ messages: Message[]; hasMore: boolean }>("History", this.sessionId, {
        before,
        limit: HISTORY_PAGE,
      });
      if (transcript.generation === generation) this.store.prepend(page.messages, page.hasMore);
    } catch (error) {
      this.complainOf(error);
    } finally {
      this.loadingOlder = false;
      this.listeners.call();
    }
  }

  /** Opens the session, so that files find it there; the largest size of one. */
  private readonly prepare = async (): Promise<number | null> => {
    const { limits } = await this.connection.invoke<Opened>("OpenSession", { sessionId: this.sessionId });
    this.watch();
    return limits?.fileBytes ?? null;
  };

  private take(event: SessionEvent): boolean {
    const verdict = this.store.apply(event);
    if (event.type === "snapshot" && this.asked(event.run?.replyTo)) this.store.boundaries.call({ kind: "started" });
    this.gaps = verdict === "gap" ? this.gaps + 1 : 0;
    const { position } = this.store.transcript;
    const otherEpoch = event.type === "run_started" && position !== null && event.epoch !== position.epoch;
    this.wantsWhole = this.gaps > 1 || (this.gaps > 0 && otherEpoch);
    return verdict !== "gap";
  }

  /** Whether this page sent that message and has not seen it in the transcript: its answer is news, in a snapshot too. */
  private asked(messageId: string | undefined): boolean {
    return this.outbox.of(this.sessionId).some((entry) => entry.messageId === messageId);
  }

  /** The message that is on its way to be answered while no run is known yet. */
  private starting(): string | undefined {
    const mine = this.outbox.of(this.sessionId).find((entry) => entry.state !== "failed");
    if (mine) return mine.messageId;
    const { order, messages } = this.store.transcript;
    const last: MessageView | undefined = messages.get(order.at(-1) ?? "");
    return last?.role === "user" && last.status === "queued" ? last.messageId : undefined;
  }

  private async stopBy(target: { runId: string } | { messageId: string }): Promise<void> {
    try {
      await this.connection.invoke<Stopped>("Stop", this.sessionId, target);
    } catch (error) {
      const { text, lost } = callFailure(error);
      this.complain(lost ? "Not connected: the answer goes on. Stop it again once the hub is back." : text);
    }
  }

  private async ask(method: string, ...args: unknown[]): Promise<void> {
    try {
      await this.connection.invoke(method, this.sessionId, ...args);
    } catch (error) {
      this.complainOf(error);
    }
  }

  private complainOf(error: unknown): void {
    const { text, lost } = callFailure(error);
    this.complain(lost ? "Not connected: this was not done. Try again once the hub is back." : text);
  }

  private readonly settle = (): void => {
    const { messages, generation, position } = this.store.transcript;
    const whole = generation === this.settled ? null : position;
    this.settled = generation;
    this.outbox.settle(this.sessionId, (messageId) => messages.has(messageId), whole);
  };
}
