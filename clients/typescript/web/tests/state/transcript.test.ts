import { describe, expect, it } from "vitest";
import type { Message, Session, SessionEvent, SnapshotEvent } from "../../src/state/contract";
import { Transcript } from "../../src/state/transcript";
import { pick, seeded } from "../random";

const USAGE = { inputTokens: 1, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0, estimated: false };
const TIMING = { queuedMs: 0, firstDeltaMs: 5, totalMs: 50, tokensPerSecond: 10 };
const SESSION: Session = {
  sessionId: "s", title: "T", owner: "ann", participants: [], provider: "demo", model: "m", system: "",
  autonomy: "agent-default", tags: [], createdAt: 1, updatedAt: 1, running: false, usage: USAGE,
};
const asked = (messageId: string, more: Partial<Message> = {}): Message => ({
  messageId, role: "user", author: "ann", parts: [{ type: "text", text: "hi" }], status: "complete", createdAt: 1, ...more,
});
const snapshot = (more: Partial<SnapshotEvent> = {}): SnapshotEvent => ({
  type: "snapshot", epoch: "e", offset: 0, session: SESSION, messages: [], hasMore: false, time: 1, ...more,
});

/** Events without their offsets, numbered from `first`. */
function numbered(events: object[], first = 1): SessionEvent[] {
  return events.map((event, index) => ({ time: 1000 + index, ...event, offset: first + index }) as SessionEvent);
}

const ANSWER = [
  { type: "message", message: asked("u1") },
  { type: "run_started", runId: "r1", messageId: "a1", replyTo: "u1", provider: "demo", model: "m", epoch: "e" },
  { type: "step", runId: "r1", index: 0 },
  { type: "thinking", runId: "r1", messageId: "a1", part: 0, delta: "Hm" },
  { type: "thinking", runId: "r1", messageId: "a1", part: 0, delta: "m." },
  { type: "text", runId: "r1", messageId: "a1", part: 1, delta: "I " },
  { type: "text", runId: "r1", messageId: "a1", part: 1, delta: "look." },
  { type: "tool_start", runId: "r1", messageId: "a1", part: 2, callId: "c1", name: "sum", title: "Sum", access: "read", host: "server" },
  { type: "tool_input", runId: "r1", callId: "c1", delta: '{"n"' },
  { type: "tool_input", runId: "r1", callId: "c1", delta: ":1}" },
  { type: "tool_input", runId: "r1", callId: "c1", arguments: { n: 1 } },
  { type: "approval_needed", runId: "r1", callId: "c1", arguments: { n: 1 }, reason: "writes", expiresAt: 9 },
  { type: "approval_resolved", runId: "r1", callId: "c1", approve: true, arguments: { n: 2 }, by: "ann", scope: "call" },
  { type: "tool_progress", runId: "r1", callId: "c1", fraction: 0.5, note: "half" },
  { type: "tool_complete", runId: "r1", callId: "c1", outcome: "success", result: { sum: 3 }, durationMs: 7 },
  { type: "notice", code: "retrying", text: "Again.", runId: "r1" },
  { type: "step", runId: "r1", index: 1 },
  { type: "text", runId: "r1", messageId: "a1", part: 3, delta: "Three." },
  { type: "file", runId: "r1", messageId: "a1", part: 4, fileId: "f1", name: "c.png", mediaType: "image/png", size: 9 },
  { type: "custom", name: "x", value: 1, runId: "r1" },
  { type: "a_type_of_tomorrow", anything: true },
  { type: "done", runId: "r1", messageId: "a1", outcome: "completed", usage: USAGE, timing: TIMING },
  { type: "session", session: { title: "New" } },
];

function folded(events: SessionEvent[]): Transcript {
  const transcript = new Transcript();
  for (const event of events) expect(transcript.apply(event)).toBe("applied");
  return transcript;
}
const shown = (transcript: Transcript) => ({
  order: transcript.order,
  messages: transcript.order.map((id) => transcript.messages.get(id)),
  run: transcript.run,
  session: transcript.session,
  position: transcript.position,
});

describe("an answer, event by event", () => {
  const upTo = (count: number) => folded([snapshot(), ...numbered(ANSWER.slice(0, count))]);
  const part = (transcript: Transcript, index: number) => transcript.messages.get("a1")?.parts[index];

  it("begins with the run", () => {
    const transcript = upTo(2);
    expect(transcript.order).toEqual(["u1", "a1"]);
    expect(transcript.run).toMatchObject({ runId: "r1", messageId: "a1", replyTo: "u1" });
    expect(transcript.session?.running).toBe(true);
    expect(transcript.messages.get("a1")).toMatchObject({ status: "streaming", role: "assistant", replyTo: "u1" });
  });

  it("joins the deltas of each part", () => {
    expect(part(upTo(7), 0)).toEqual({ type: "thinking", text: "Hmm." });
    expect(part(upTo(7), 1)).toEqual({ type: "text", text: "I look." });
  });

  it("follows a tool call through its states", () => {
    expect(part(upTo(8), 2)).toMatchObject({ state: "pending", title: "Sum", host: "server" });
    expect(part(upTo(10), 2)).toMatchObject({ state: "pending", input: '{"n":1}' });
    expect(part(upTo(11), 2)).toMatchObject({ state: "running", arguments: { n: 1 } });
    expect(part(upTo(12), 2)).toMatchObject({ state: "approval", asked: { reason: "writes", expiresAt: 9, attempt: 1 } });
    const approval = { attempt: 1, approve: true, by: "ann", scope: "call" };
    expect(part(upTo(13), 2)).toMatchObject({ state: "running", arguments: { n: 2 }, approval });
    expect(part(upTo(13), 2)).not.toHaveProperty("asked");
    expect(part(upTo(14), 2)).toMatchObject({ progress: { fraction: 0.5, note: "half" } });
    expect(part(upTo(15), 2)).toMatchObject({ state: "success", result: { sum: 3 }, durationMs: 7, progress: null });
  });

  it("ends with usage, timing and the final status", () => {
    const transcript = upTo(ANSWER.length);
    const answer = transcript.messages.get("a1");
    expect(answer).toMatchObject({ status: "complete", usage: USAGE, timing: TIMING });
    expect(answer?.notices).toEqual([{ code: "retrying", text: "Again.", time: 1015 }]);
    expect(answer?.parts).toHaveLength(5);
    expect(transcript.run).toBeNull();
    expect(transcript.session).toMatchObject({ title: "New", running: false });
    expect(transcript.position).toEqual({ epoch: "e", offset: ANSWER.length });
  });

  it.each(["stopped", "failed", "interrupted", "limit"] as const)("ends as %s", (outcome) => {
    const error = { code: "internal", message: "Broken.", retryable: false };
    const done = { type: "done", runId: "r1", messageId: "a1", outcome, error, usage: USAGE, timing: TIMING, stoppedBy: "bob" };
    const transcript = folded([snapshot(), ...numbered([...ANSWER.slice(0, 6), done])]);
    expect(transcript.messages.get("a1")).toMatchObject({ status: outcome, error, stoppedBy: "bob" });
  });

  it("leaves what was painted as it was", () => {
    const transcript = upTo(6);
    const before = transcript.messages.get("a1");
    const copy = structuredClone(before);
    for (const event of numbered(ANSWER.slice(6), 7)) transcript.apply(event);
    expect(before).toEqual(copy);
  });
});

describe("positions", () => {
  it("asks to watch again before any snapshot", () => {
    expect(new Transcript().apply(numbered(ANSWER)[0] as SessionEvent)).toBe("gap");
  });

  it("skips what it has", () => {
    const transcript = folded([snapshot({ offset: 3 })]);
    expect(numbered(ANSWER.slice(0, 3)).map((event) => transcript.apply(event))).toEqual(["skipped", "skipped", "skipped"]);
    expect(transcript.order).toEqual([]);
  });

  it("takes a hole as a gap and stays where it was", () => {
    const transcript = folded([snapshot()]);
    expect(transcript.apply(numbered(ANSWER, 2)[0] as SessionEvent)).toBe("gap");
    expect(transcript.position?.offset).toBe(0);
  });

  it("takes a run of another epoch as a gap", () => {
    const transcript = folded([snapshot({ epoch: "other" })]);
    expect(transcript.apply(numbered(ANSWER.slice(1))[0] as SessionEvent)).toBe("gap");
  });

  it("moves over types that it does not know", () => {
    const transcript = folded([snapshot(), ...numbered([{ type: "tomorrow" }, { type: "message", message: asked("u1") }])]);
    expect(transcript.position?.offset).toBe(2);
    expect(transcript.order).toEqual(["u1"]);
  });

  it("reaches the same transcript whatever comes twice, late or out of a hole", () => {
    const all = numbered(ANSWER);
    const expected = shown(folded([snapshot(), ...all]));
    for (let seed = 0; seed < 300; seed++) {
      const random = seeded(seed);
      const transcript = folded([snapshot()]);
      while ((transcript.position?.offset ?? 0) < all.length) {
        const event = pick(random, all);
        const before = transcript.position?.offset ?? 0;
        const verdict = transcript.apply(event);
        expect(verdict).toBe(event.offset <= before ? "skipped" : event.offset === before + 1 ? "applied" : "gap");
      }
      expect(shown(transcript)).toEqual(expected);
    }
  });
});

describe("a snapshot", () => {
  it("replaces everything, also in mid-answer", () => {
    const transcript = folded([snapshot(), ...numbered(ANSWER.slice(0, 5))]);
    const message: Message = { ...asked("a1"), role: "assistant", status: "streaming", runId: "r1", parts: [{ type: "text", text: "I " }] };
    const run = { runId: "r1", messageId: "a1", replyTo: "u1", provider: "demo", model: "m", startedAt: 900, message };
    transcript.takeChange();
    transcript.apply(snapshot({ epoch: "f", offset: 40, messages: [asked("u1")], run, hasMore: true }));
    expect(transcript.position).toEqual({ epoch: "f", offset: 40 });
    expect(transcript.order).toEqual(["u1", "a1"]);
    expect(transcript.hasMore).toBe(true);
    expect(transcript.takeChange()).toEqual({ messages: new Set(["u1", "a1"]), order: true, head: true });
    const [more] = numbered([{ type: "text", runId: "r1", messageId: "a1", part: 0, delta: "look." }], 41);
    expect(transcript.apply(more as SessionEvent)).toBe("applied");
    expect(transcript.messages.get("a1")?.parts).toEqual([{ type: "text", text: "I look." }]);
  });

  it("lets the tool calls in it go on", () => {
    const call = { type: "tool_call" as const, callId: "c9", name: "sum", state: "running" as const };
    const message: Message = { ...asked("a1"), role: "assistant", status: "streaming", parts: [call] };
    const run = { runId: "r1", messageId: "a1", replyTo: "u1", provider: "demo", model: "m", message };
    const events = [{ type: "tool_complete", runId: "r1", callId: "c9", outcome: "success", result: 1, durationMs: 1 }];
    const transcript = folded([snapshot({ run }), ...numbered(events)]);
    expect(transcript.messages.get("a1")?.parts[0]).toMatchObject({ state: "success", result: 1 });
  });

  it("tells what is asked about the calls that wait", () => {
    const call = { type: "tool_call" as const, callId: "c9", name: "sum", state: "approval" as const, arguments: { n: 1 } };
    const message: Message = { ...asked("a1"), role: "assistant", status: "streaming", parts: [call] };
    const pendingApprovals = [{ callId: "c9", reason: "writes", expiresAt: 9, attempt: 2 }];
    const run = { runId: "r1", messageId: "a1", replyTo: "u1", provider: "demo", model: "m", message, pendingApprovals };
    const transcript = folded([snapshot({ run })]);
    expect(transcript.messages.get("a1")?.parts[0]).toMatchObject({ state: "approval", asked: { reason: "writes", attempt: 2 } });
    for (const event of numbered([{ type: "tool_complete", runId: "r1", callId: "c9", outcome: "interrupted", durationMs: 1 }])) {
      transcript.apply(event);
    }
    expect(transcript.messages.get("a1")?.parts[0]).not.toHaveProperty("asked");
  });

  it("at any moment, followed by the rest, gives what the whole gives", () => {
    const all = numbered(ANSWER);
    const whole = folded([snapshot(), ...all]);
    for (let cut = 1; cut < all.length; cut++) {
      const part = folded([snapshot(), ...all.slice(0, cut)]);
      const messages = part.order.map((id) => part.messages.get(id) as Message);
      const resumed = folded([
        snapshot({ offset: cut, session: part.session as Session, messages, run: part.run }),
        ...all.slice(cut),
      ]);
      expect(resumed.order).toEqual(whole.order);
      expect(resumed.messages.get("a1")?.parts).toEqual(whole.messages.get("a1")?.parts);
      expect(resumed.messages.get("a1")?.status).toBe("complete");
    }
  });
});

describe("the order", () => {
  const start = (n: number) => ({
    type: "run_started", runId: `r${n}`, messageId: `a${n}`, replyTo: `u${n}`, provider: "d", model: "m", epoch: "e",
  });
  const done = (n: number) => ({ type: "done", runId: `r${n}`, messageId: `a${n}`, outcome: "completed", usage: USAGE, timing: TIMING });
  const user = (n: number, status: "queued" | "complete") => asked(`u${n}`, { status, runId: `r${n}` });
  const answer = (n: number): Message => ({ ...asked(`a${n}`), role: "assistant", runId: `r${n}` });
  const queue = [
    { type: "message", message: user(1, "complete") }, start(1),
    { type: "message", message: user(2, "queued") },
    { type: "message", message: user(3, "queued") },
    done(1), { type: "message", message: user(2, "complete") }, start(2),
    done(2), { type: "message", message: user(3, "complete") }, start(3),
  ];
  const after = (count: number) => folded([snapshot(), ...numbered(queue.slice(0, count))]).order;

  it("has each answer behind its question, and what waits last", () => {
    expect(after(4)).toEqual(["u1", "a1", "u2", "u3"]);
    expect(after(7)).toEqual(["u1", "a1", "u2", "a2", "u3"]);
    expect(after(10)).toEqual(["u1", "a1", "u2", "a2", "u3", "a3"]);
  });

  it("is the same out of a snapshot", () => {
    const run = { runId: "r1", messageId: "a1", replyTo: "u1", provider: "d", model: "m", message: { ...answer(1), status: "streaming" as const } };
    const waiting = [user(1, "complete"), user(2, "queued"), user(3, "queued")];
    expect(folded([snapshot({ messages: waiting, run })]).order).toEqual(["u1", "a1", "u2", "u3"]);
    const ended = [user(1, "complete"), answer(1), user(2, "complete"), user(3, "complete"), answer(2), answer(3)];
    expect(folded([snapshot({ messages: ended })]).order).toEqual(["u1", "a1", "u2", "a2", "u3", "a3"]);
  });

  it("is the same when the page before comes later", () => {
    const transcript = folded([snapshot({ messages: [answer(2), answer(3)], hasMore: true })]);
    transcript.prepend([user(1, "complete"), answer(1), user(2, "complete"), user(3, "complete")], false);
    expect(transcript.order).toEqual(["u1", "a1", "u2", "a2", "u3", "a3"]);
  });

  it("keeps another answer behind the first", () => {
    const again = { ...start(2), runId: "r9", messageId: "a9" };
    const events = [{ type: "message", message: { ...answer(2), status: "superseded" } }, again];
    const messages = [user(2, "complete"), answer(2), user(3, "queued")];
    expect(folded([snapshot({ messages }), ...numbered(events)]).order).toEqual(["u2", "a2", "a9", "u3"]);
  });
});

describe("messages outside of runs", () => {
  it("lose what a change does not name, and keep what their run told", () => {
    const rated = { ...asked("a1"), role: "assistant", runId: "r1" };
    const events = [...ANSWER, { type: "message", message: { ...rated, rating: { score: 1 } } }, { type: "message", message: rated }];
    const message = folded([snapshot(), ...numbered(events)]).messages.get("a1");
    expect(message?.rating).toBeUndefined();
    expect(message).toMatchObject({ usage: USAGE, timing: TIMING, model: "m", notices: [{ code: "retrying" }] });
  });

  it("wait in the queue until their run begins", () => {
    const events = [
      { type: "message", message: asked("u2", { status: "queued", runId: "r2" }) },
      { type: "message_queued", messageId: "u2", runId: "r2", place: 1 },
    ];
    const transcript = folded([snapshot(), ...numbered(events)]);
    expect(transcript.messages.get("u2")?.status).toBe("queued");
    const start = { type: "run_started", runId: "r2", messageId: "a2", replyTo: "u2", provider: "d", model: "m", epoch: "e" };
    for (const event of numbered([start], 3)) transcript.apply(event);
    expect(transcript.messages.get("u2")?.status).toBe("complete");
  });

  it("may be stopped in the queue while another run goes on", () => {
    const start = (n: number) => ({
      type: "run_started", runId: `r${n}`, messageId: `a${n}`, replyTo: `u${n}`, provider: "d", model: "m", epoch: "e",
    });
    const stopped = { type: "done", runId: "r2", messageId: "a2", outcome: "stopped", usage: USAGE, timing: TIMING };
    const transcript = folded([snapshot(), ...numbered([start(1), start(2), stopped])]);
    expect(transcript.run?.runId).toBe("r1");
    expect(transcript.session?.running).toBe(true);
    expect(transcript.messages.get("a2")?.status).toBe("stopped");
  });

  it("are put aside, and an answer under way stays aside when it ends", () => {
    const start = { type: "run_started", runId: "r1", messageId: "a1", replyTo: "u1", provider: "d", model: "m", epoch: "e" };
    const events = [
      { type: "message", message: asked("u1") },
      start,
      { type: "message", message: asked("u1", { status: "superseded" }) },
      { type: "message", message: { ...asked("a1", { role: "assistant", status: "superseded" }) } },
      { type: "done", runId: "r1", messageId: "a1", outcome: "stopped", usage: USAGE, timing: TIMING },
    ];
    const transcript = folded([snapshot(), ...numbered(events)]);
    expect(transcript.messages.get("u1")?.status).toBe("superseded");
    expect(transcript.messages.get("a1")?.status).toBe("superseded");
    expect(transcript.order).toEqual(["u1", "a1"]);
  });

  it("come before what is there when they are older", () => {
    const transcript = folded([snapshot({ messages: [asked("u5")], hasMore: true })]);
    transcript.prepend([asked("u3"), asked("u4"), asked("u5", { status: "queued" })], false);
    expect(transcript.order).toEqual(["u3", "u4", "u5"]);
    expect(transcript.messages.get("u5")?.status).toBe("complete");
    expect(transcript.hasMore).toBe(false);
  });

  it("keep notices that belong to no run apart", () => {
    const transcript = folded([snapshot(), ...numbered([{ type: "notice", code: "client_error", text: "Oops." }])]);
    expect(transcript.notices).toEqual([{ code: "client_error", text: "Oops.", time: 1000 }]);
  });
});
