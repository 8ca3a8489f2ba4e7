// A fold of a session's events, written from the contract's text (design, section 3.4) and from nothing else.
// It also holds the stream to that text's invariants, and throws where one is broken.

import { equal, ok } from "./check.mjs";

const STATUS = {
  completed: "complete",
  stopped: "stopped",
  failed: "failed",
  interrupted: "interrupted",
  limit: "limit",
};

export class Fold {
  // `holes`: offsets may skip some, as in the stream of one run.
  constructor({ position = null, holes = false, base = null } = {}) {
    this.holes = holes;
    this.epoch = position?.epoch ?? null;
    this.offset = position?.offset ?? null;
    this.session = base?.session ?? null;
    this.messages = base?.messages ?? new Map(); // by id, in order
    this.runs = base?.runs ?? new Map(); // run id: {messageId, calls: Map of open calls, done}
    this.hasMore = base?.hasMore ?? false;
    this.snapshots = 0;
  }

  get position() {
    return { epoch: this.epoch, offset: this.offset };
  }

  apply(event) {
    const keys = Object.keys(event);
    ok(keys[0] === "type", `the first field of ${JSON.stringify(event)} is not its type`);
    ok(keys.at(-1) === "offset", `the last field of ${JSON.stringify(event).slice(0, 300)} is not its offset`);
    ok(Number.isSafeInteger(event.time) && event.time > 1.6e12, `no time in milliseconds: ${event.time}`);
    if (event.type === "snapshot") return this.#snapshot(event);
    ok(this.offset !== null, `${event.type} came before a snapshot, and from no position`);
    if (this.holes) ok(event.offset > this.offset, `offset ${event.offset} came after ${this.offset}`);
    else equal(event.offset, this.offset + 1, "the offset");
    this.offset = event.offset;
    this.#event(event);
  }

  #snapshot(event) {
    this.snapshots += 1;
    this.epoch = event.epoch;
    this.offset = event.offset;
    this.session = event.session;
    this.hasMore = event.hasMore;
    this.messages = new Map(event.messages.map((message) => [message.messageId, structuredClone(message)]));
    this.runs = new Map();
    for (const message of event.messages) {
      if (message.role === "assistant") this.runs.set(message.runId, { messageId: message.messageId, done: true });
    }
    if (event.run) {
      const { runId, messageId, message, openCalls } = event.run;
      equal(message.messageId, messageId, "the partial message's id");
      this.messages.set(messageId, structuredClone(message));
      this.runs.set(runId, { messageId, done: false, calls: new Set(openCalls.map((call) => call.callId)) });
    }
  }

  #event(event) {
    switch (event.type) {
      case "message":
        this.messages.set(event.message.messageId, structuredClone(event.message));
        break;
      case "run_started":
        ok(!this.runs.has(event.runId), `a second run_started of ${event.runId}`);
        equal(event.epoch, this.epoch ?? event.epoch, "run_started's epoch");
        this.runs.set(event.runId, { messageId: event.messageId, done: false, calls: new Set() });
        this.messages.set(event.messageId, {
          messageId: event.messageId,
          role: "assistant",
          author: event.model,
          parts: [],
          status: "streaming",
          runId: event.runId,
        });
        break;
      case "done": {
        const run = this.#open(event.runId);
        equal([...run.calls], [], "the calls that are open at done");
        run.done = true;
        this.messages.get(event.messageId).status = STATUS[event.outcome];
        break;
      }
      case "session":
        this.session = { ...this.session, ...event.session };
        break;
      case "message_queued":
      case "step":
      case "notice":
      case "custom":
        break;
      default:
        this.#part(event);
    }
  }

  #open(runId) {
    const run = this.runs.get(runId);
    ok(run && !run.done, `an event of run ${runId}, which is not under way`);
    return run;
  }

  #part(event) {
    const run = this.#open(event.runId);
    const { parts } = this.messages.get(run.messageId);
    const call = () => {
      ok(run.calls.has(event.callId), `${event.type} of call ${event.callId}, which is not open`);
      return parts.find((part) => part.callId === event.callId);
    };
    switch (event.type) {
      case "text":
      case "thinking":
        ok(event.part <= parts.length, `part ${event.part} comes before part ${parts.length}`);
        ok(event.delta.isWellFormed?.() ?? true, `a delta ends in half a character: ${JSON.stringify(event.delta)}`);
        if (event.part === parts.length) parts.push({ type: event.type, text: "" });
        equal(parts[event.part].type, event.type, "the part's type");
        parts[event.part].text += event.delta;
        break;
      case "tool_start":
        equal(event.part, parts.length, "the place of the tool call");
        run.calls.add(event.callId);
        parts.push({ type: "tool_call", callId: event.callId, name: event.name, state: "pending" });
        break;
      case "tool_input":
        if (event.arguments != null) Object.assign(call(), { arguments: event.arguments, state: "running" });
        else call();
        break;
      case "tool_progress":
        call().progress = { fraction: event.fraction, note: event.note };
        break;
      case "tool_complete": {
        const part = call();
        delete part.progress;
        Object.assign(part, { state: event.outcome, result: event.result, error: event.error });
        run.calls.delete(event.callId);
        break;
      }
    }
  }

  message(messageId) {
    return this.messages.get(messageId);
  }

  answerTo(runId) {
    const run = this.runs.get(runId);
    return run && this.messages.get(run.messageId);
  }

  isDone(runId) {
    return this.runs.get(runId)?.done === true;
  }

  // What two watchers of one session must agree on, however they came to know it.
  transcript() {
    return transcriptOf([...this.messages.values()]);
  }
}

export function transcriptOf(messages) {
  return messages.map(({ messageId, role, author, status, runId, parts, context, rating, edited }) => ({
    messageId,
    role,
    author,
    status,
    runId,
    context: context ?? undefined,
    rating: rating ?? undefined,
    edited: edited ?? undefined,
    parts: parts.map(({ type, text, callId, name, arguments: given, state, result, error, progress }) => ({
      type,
      text: type === "text" || type === "thinking" ? (text ?? "") : undefined,
      callId,
      name,
      arguments: given ?? undefined,
      state,
      result: result ?? undefined,
      error: error ?? undefined,
      progress: progress ?? undefined,
    })),
  }));
}

export function textOf(message) {
  return message.parts
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("");
}
