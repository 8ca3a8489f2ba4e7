/**
 * Folds a session's events into what is shown. No I/O, no clock: the same events give the same transcript.
 *
 * A snapshot replaces everything. Events count by offset: at or below the position they are skipped; a hole, another
 * epoch, or an event before any snapshot is a `gap`, and the caller must watch again. Unknown types only move the
 * position. Message objects are never changed in place, so that painting can compare them by identity.
 */

import type {
  ActiveRun,
  Asked,
  JournalEvent,
  Message,
  Part,
  Position,
  Session,
  SessionEvent,
  SnapshotEvent,
  TextPart,
  ToolPart,
} from "./contract";
import { type Pace, paceAfter } from "./rates";

export interface Notice {
  code: string;
  text: string;
  time: number;
}

/** A message with what its run told about it. */
export interface MessageView extends Message {
  replyTo?: string;
  model?: string;
  notices?: Notice[];
  pace?: Pace;
  finishReason?: string;
  stoppedBy?: string;
}

export type Verdict = "applied" | "skipped" | "gap";

/** What has changed since it was last taken; `order` includes messages that came or went. */
export interface Change {
  messages: Set<string>;
  order: boolean;
  head: boolean;
}

export const noChange = (): Change => ({ messages: new Set(), order: false, head: false });

const FINAL = {
  completed: "complete",
  stopped: "stopped",
  failed: "failed",
  interrupted: "interrupted",
  limit: "limit",
} as const;

export class Transcript {
  position: Position | null = null;
  session: Session | null = null;
  hasMore = false;
  /** Message ids: oldest first, what waits last, each answer behind its question. Replaced, never changed in place. */
  order: readonly string[] = [];
  /** Notices that belong to no answer. */
  notices: readonly Notice[] = [];
  /** Counts snapshots, so that an answer to an older question (`History`) can be recognised as stale. */
  generation = 0;
  readonly messages = new Map<string, MessageView>();
  /** Started and not done, by run id. A queued run that is stopped starts and ends while another one goes on. */
  private readonly runs = new Map<string, ActiveRun>();
  private readonly calls = new Map<string, { messageId: string; part: number }>();
  private change = noChange();

  /** The run under way: the first that started and is not done. */
  get run(): ActiveRun | null {
    return this.runs.values().next().value ?? null;
  }

  takeChange(): Change {
    const taken = this.change;
    this.change = noChange();
    return taken;
  }

  apply(event: SessionEvent): Verdict {
    if (event.type === "snapshot") {
      this.replaceAll(event);
      return "applied";
    }
    const position = this.position;
    if (position === null) return "gap";
    if (event.type === "run_started" && event.epoch !== position.epoch) return "gap";
    if (event.offset <= position.offset) return "skipped";
    if (event.offset !== position.offset + 1) return "gap";
    this.fold(event);
    this.position = { epoch: position.epoch, offset: event.offset };
    return "applied";
  }

  /** Puts an older page (`History`) before what is there. */
  prepend(messages: readonly Message[], hasMore: boolean): void {
    const older = messages.filter((message) => !this.messages.has(message.messageId));
    for (const message of older) this.put(message);
    this.arrange([...older.map((message) => message.messageId), ...this.order]);
    this.hasMore = hasMore;
    this.change.order = this.change.head = true;
  }

  private replaceAll(event: SnapshotEvent): void {
    const ids = new Set([...this.messages.keys(), ...event.messages.map((message) => message.messageId)]);
    this.generation += 1;
    this.messages.clear();
    this.calls.clear();
    this.notices = [];
    this.session = event.session;
    this.hasMore = event.hasMore;
    this.runs.clear();
    if (event.run) this.runs.set(event.run.runId, event.run);
    this.position = { epoch: event.epoch, offset: event.offset };
    for (const message of event.messages) this.put(message);
    const order = event.messages.map((message) => message.messageId);
    if (event.run) {
      const { messageId, replyTo, model, startedAt, message } = event.run;
      if (message) this.put(message);
      const shown = this.messages.get(messageId);
      if (shown && !order.includes(messageId)) order.push(messageId);
      if (shown) {
        // What came before this snapshot came at a speed that we did not see.
        const unseen = shown.parts.length > 0 || startedAt === undefined;
        const pace: Pace = unseen ? { chars: 0 } : { startedAt, chars: 0 };
        this.messages.set(messageId, { ...shown, replyTo, model, pace });
      }
      for (const asked of event.run.pendingApprovals ?? []) {
        this.editCall(asked.callId, (call) => askedAbout(call, asked));
      }
    }
    this.arrange(order);
    this.change = { messages: ids, order: true, head: true };
  }

  private fold(event: JournalEvent): void {
    switch (event.type) {
      case "message":
        return this.foldMessage(event.message);
      case "message_queued":
        return this.edit(event.messageId, (message) => ({ ...message, status: "queued", runId: event.runId }));
      case "run_started":
        return this.startRun(event);
      case "text":
      case "thinking":
        return this.edit(event.messageId, (message) => {
          const old = message.parts[event.part];
          const before = old?.type === event.type ? old.text : "";
          const grown = withPart(message, event.part, withText(event, old, before + event.delta));
          const pace = message.pace && event.delta !== "" ? paceAfter(message.pace, event.delta.length, event.time) : null;
          return pace ? { ...grown, pace } : grown;
        });
      case "tool_start": {
        const { messageId, part, callId, name, access, host } = event;
        this.calls.set(callId, { messageId, part });
        const call: ToolPart = { type: "tool_call", callId, name, access, host, state: "pending" };
        if (event.title != null) call.title = event.title;
        if (event.hostName != null) call.hostName = event.hostName;
        return this.edit(messageId, (message) => withPart(message, part, call));
      }
      case "tool_input":
        return this.editCall(event.callId, (call) =>
          event.arguments != null
            ? { ...call, arguments: event.arguments, state: "running" }
            : { ...call, input: (call.input ?? "") + (event.delta ?? "") },
        );
      case "approval_needed":
        return this.editCall(event.callId, (call) => askedAbout({ ...call, arguments: event.arguments }, event));
      case "approval_resolved":
        return this.editCall(event.callId, ({ asked: _, ...call }) => ({
          ...call,
          arguments: event.arguments,
          state: event.approve ? "running" : "pending",
          approval: { ...call.approval, approve: event.approve, by: event.by, scope: event.scope },
        }));
      case "tool_progress":
        return this.editCall(event.callId, (call) => ({
          ...call,
          progress: { fraction: event.fraction ?? null, note: event.note ?? null, output: event.output ?? null },
        }));
      case "tool_complete":
        return this.editCall(event.callId, ({ asked: _, ...call }) => ({
          ...call,
          state: event.outcome,
          result: event.result ?? null,
          error: event.error ?? null,
          durationMs: event.durationMs,
          progress: null,
        }));
      case "file": {
        const { fileId, name, mediaType, size } = event;
        return this.edit(event.messageId, (message) =>
          withPart(message, event.part, { type: "file", fileId, name, mediaType, size }),
        );
      }
      case "notice":
        this.foldNotice({ code: event.code, text: event.text, time: event.time }, event.runId ?? null);
        if (event.code === "fallback_provider" && event.runId != null) this.answeredBy(event.runId, event.provider, event.model);
        return;
      case "done":
        return this.finish(event);
      case "session":
        if (this.session) this.session = { ...this.session, ...event.session };
        this.change.head = true;
        return;
      case "step":
      case "custom":
        return;
      default:
        // A type of a newer hub: it only moves the position.
        event satisfies never;
    }
  }

  private foldMessage(message: Message): void {
    const known = this.messages.get(message.messageId);
    if (known) {
      // What the message says is all of it: a field that it lacks is gone. Its run told the rest.
      const { replyTo, model, notices, pace, finishReason, stoppedBy, usage, timing, error } = known;
      const told = { replyTo, model, notices, pace, finishReason, stoppedBy, usage, timing, error };
      const kept = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
      this.put({ ...kept, ...message });
    } else {
      this.put(message);
    }
    if (known?.status === message.status) return;
    const others = this.order.filter((id) => id !== message.messageId);
    // One that waited begins now, behind all that was said meanwhile.
    if (known && known.status !== "queued") this.change.order = true;
    else this.arrange([...others, message.messageId]);
  }

  private startRun(event: Extract<JournalEvent, { type: "run_started" }>): void {
    const { runId, messageId, replyTo, provider, model, time } = event;
    this.runs.set(runId, { runId, messageId, replyTo, provider, model, startedAt: time });
    const known = this.messages.get(messageId);
    this.put({
      messageId,
      role: "assistant",
      author: model,
      parts: [],
      createdAt: time,
      ...known,
      status: "streaming",
      runId,
      provider,
      replyTo,
      model,
      pace: { startedAt: time, chars: 0 },
    });
    if (this.messages.get(replyTo)?.status === "queued") {
      this.edit(replyTo, (message) => ({ ...message, status: "complete" }));
    }
    this.arrange([...this.order.filter((id) => id !== messageId), messageId]);
    if (this.session) this.session = { ...this.session, running: true };
    this.change.order = this.change.head = true;
  }

  private finish(event: Extract<JournalEvent, { type: "done" }>): void {
    this.edit(event.messageId, (message) => {
      const done: MessageView = {
        ...message,
        // A superseded answer stays so, whenever its run ends.
        status: message.status === "superseded" ? "superseded" : FINAL[event.outcome],
        usage: event.usage,
        timing: event.timing,
      };
      if (event.error) done.error = event.error;
      if (event.finishReason != null) done.finishReason = event.finishReason;
      if (event.stoppedBy != null) done.stoppedBy = event.stoppedBy;
      return done;
    });
    this.runs.delete(event.runId);
    if (this.session) this.session = { ...this.session, running: this.run !== null };
    this.change.order = this.change.head = true;
  }

  /** Takes the messages in the journal's order: there, an answer comes after questions that waited meanwhile. */
  private arrange(ids: readonly string[]): void {
    const waits = (id: string) => this.messages.get(id)?.status === "queued";
    const order: string[] = [];
    for (const id of ids.filter((id) => !waits(id))) {
      const message = this.messages.get(id);
      const question = message?.role === "assistant" ? this.questionOf(message, order) : -1;
      let place = order.length;
      if (question >= 0) {
        place = question + 1;
        while (this.messages.get(order[place] ?? "")?.role === "assistant") place += 1;
      }
      order.splice(place, 0, id);
    }
    this.order = [...order, ...ids.filter(waits)];
    this.change.order = true;
  }

  private questionOf({ replyTo, runId }: MessageView, order: readonly string[]): number {
    return order.findLastIndex((id) => {
      const other = this.messages.get(id);
      return id === replyTo || (replyTo === undefined && other?.role === "user" && runId != null && other.runId === runId);
    });
  }

  private foldNotice(notice: Notice, runId: string | null): void {
    const owner = runId === null ? undefined : this.messageOfRun(runId);
    if (owner) return this.edit(owner, (message) => ({ ...message, notices: [...(message.notices ?? []), notice] }));
    this.notices = [...this.notices, notice].slice(-20);
    this.change.head = true;
  }

  /** Another one answers than the one that was asked. */
  private answeredBy(runId: string, provider?: string | null, model?: string | null): void {
    const owner = this.messageOfRun(runId);
    if (owner === undefined || provider == null || model == null) return;
    this.edit(owner, (message) => ({ ...message, provider, model, author: model }));
  }

  private messageOfRun(runId: string): string | undefined {
    const open = this.runs.get(runId);
    if (open) return open.messageId;
    return this.order.findLast((id) => {
      const message = this.messages.get(id);
      return message?.runId === runId && message.role === "assistant";
    });
  }

  private put(message: MessageView): void {
    this.messages.set(message.messageId, message);
    this.change.messages.add(message.messageId);
    message.parts.forEach((part, index) => {
      if (part.type === "tool_call") this.calls.set(part.callId, { messageId: message.messageId, part: index });
    });
  }

  private edit(messageId: string, change: (message: MessageView) => MessageView): void {
    const message = this.messages.get(messageId);
    if (message === undefined) return; // older than what the snapshot showed
    this.messages.set(messageId, change(message));
    this.change.messages.add(messageId);
  }

  private editCall(callId: string, change: (call: ToolPart) => ToolPart): void {
    const place = this.calls.get(callId);
    if (place === undefined) return;
    this.edit(place.messageId, (message) => {
      const call = message.parts[place.part];
      return call?.type === "tool_call" ? withPart(message, place.part, change(call)) : message;
    });
  }
}

function askedAbout(call: ToolPart, { reason, expiresAt, attempt = 1 }: Asked): ToolPart {
  return { ...call, state: "approval", approval: { attempt }, asked: { reason, expiresAt, attempt } };
}

function withText(event: Extract<JournalEvent, { type: "text" | "thinking" }>, old: Part | undefined, text: string): Part {
  if (event.type === "thinking") return { ...old, type: "thinking", text };
  const part: TextPart = { ...(old?.type === "text" ? old : {}), type: "text", text };
  return event.citations?.length ? { ...part, citations: [...(part.citations ?? []), ...event.citations] } : part;
}

function withPart(message: MessageView, index: number, part: Part): MessageView {
  const parts = message.parts.slice();
  while (parts.length < index) parts.push({ type: "text", text: "" });
  parts[index] = part;
  return { ...message, parts };
}
