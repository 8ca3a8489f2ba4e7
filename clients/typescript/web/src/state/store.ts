/**
 * The open session as the painting sees it: one subscription per message, one for the order, one for the rest.
 *
 * Events are folded as they come; listeners hear of them together, once per frame.
 */

import type { Message, SessionEvent } from "./contract";
import { Listeners } from "./timers";
import { type Change, type MessageView, noChange, Transcript, type Verdict } from "./transcript";

/** Runs the function before the next paint, or soon, where nothing is painted. */
export type Frame = (run: () => void) => void;

export type Boundary = { kind: "started" } | { kind: "asked" } | { kind: "ended"; status: MessageView["status"] };

export class SessionStore {
  readonly transcript = new Transcript();
  /** Live starts and ends of answers, and calls that begin to wait; not those that a snapshot tells of. */
  readonly boundaries = new Listeners<[Boundary]>();
  /** After each flush. */
  readonly flushed = new Listeners();
  private readonly orderListeners = new Listeners();
  private readonly headListeners = new Listeners();
  private readonly messageListeners = new Map<string, Listeners>();
  private pending: Change = noChange();
  private asked = false;

  constructor(private readonly frame: Frame) {}

  readonly subscribeOrder = this.orderListeners.add;
  readonly subscribeHead = this.headListeners.add;

  subscribeMessage(messageId: string, listener: () => void): () => void {
    let listeners = this.messageListeners.get(messageId);
    if (listeners === undefined) this.messageListeners.set(messageId, (listeners = new Listeners()));
    return listeners.add(listener);
  }

  apply(event: SessionEvent): Verdict {
    const verdict = this.transcript.apply(event);
    if (verdict === "applied") {
      this.gather();
      if (event.type === "run_started") this.boundaries.call({ kind: "started" });
      if (event.type === "approval_needed") this.boundaries.call({ kind: "asked" });
      if (event.type === "done") {
        const status = this.transcript.messages.get(event.messageId)?.status;
        this.boundaries.call({ kind: "ended", status: status ?? "complete" });
      }
    }
    return verdict;
  }

  prepend(messages: readonly Message[], hasMore: boolean): void {
    this.transcript.prepend(messages, hasMore);
    this.gather();
  }

  /** Tells all listeners what is due, now. */
  readonly flush = (): void => {
    this.asked = false;
    const change = this.pending;
    this.pending = noChange();
    if (change.order) this.orderListeners.call();
    if (change.head) this.headListeners.call();
    for (const messageId of change.messages) this.messageListeners.get(messageId)?.call();
    this.flushed.call();
  };

  private gather(): void {
    const change = this.transcript.takeChange();
    for (const messageId of change.messages) this.pending.messages.add(messageId);
    this.pending.order ||= change.order;
    this.pending.head ||= change.head;
    const anything = this.pending.order || this.pending.head || this.pending.messages.size > 0;
    if (anything && !this.asked) {
      this.asked = true;
      this.frame(this.flush);
    }
  }
}
