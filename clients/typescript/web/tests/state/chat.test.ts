import { describe, expect, it } from "vitest";
import { memoryStorage } from "../../src/state/outbox";
import { Viewer } from "../../src/state/viewer";
import { ManualTimers, ScriptedWire, settled } from "./fakes";

const SNAPSHOT = {
  type: "snapshot", epoch: "e", offset: 3, session: { sessionId: "s", running: false }, messages: [], hasMore: false, time: 1,
};
const started = (offset: number) => ({
  type: "run_started", runId: "r", messageId: "a", replyTo: "u", provider: "d", model: "m", epoch: "e", time: 1, offset,
});

async function viewing(sessionId: string | null, isSeen = () => false) {
  const wire = new ScriptedWire();
  wire.answer = (method, args) => {
    if (method === "ListSessions") return { sessions: [], hasMore: false };
    if (method === "SendMessage") {
      const { messageId } = args[1] as { messageId: string };
      return { runId: "r", messageId, epoch: "e", offset: 9, state: "started" };
    }
    return null;
  };
  const timers = new ManualTimers();
  const viewer = new Viewer(wire, memoryStorage(), (run) => run(), timers, sessionId, undefined, isSeen);
  viewer.start();
  await settled();
  const watch = () => wire.streams.findLast((stream) => stream.method === "Watch" && !stream.disposed);
  const called = () => wire.calls.map(({ method }) => method).filter((method) => method !== "ListSessions");
  return { wire, timers, viewer, watch, called };
}

describe("a chat", () => {
  it("opens the session with its first message, then follows it from null", async () => {
    const { viewer, watch, called } = await viewing(null);
    expect(watch()).toBeUndefined();
    viewer.chat.send("hello");
    await settled();
    expect(called()).toEqual(["OpenSession", "SendMessage"]);
    expect(watch()?.args).toEqual([viewer.chat.sessionId, null]);
  });

  it("keeps a message that the hub took after the snapshot, so that it can be stopped at once", async () => {
    const { wire, viewer, watch } = await viewing(null);
    viewer.chat.send("hello");
    await settled();
    watch()?.observer.next({ ...SNAPSHOT, offset: 9 }); // taken before the hub had it: the transcript has it behind 9
    expect(viewer.chat.stoppable).toBe(true);
    await viewer.chat.stop();
    const messageId = (wire.calls.find(({ method }) => method === "SendMessage")?.args[1] as { messageId: string }).messageId;
    expect(wire.calls.at(-1)).toMatchObject({ method: "Stop", args: [viewer.chat.sessionId, { messageId }] });
  });

  it("tells of the start of an answer that it asked for, in a snapshot too, and of no other", async () => {
    const { wire, viewer, watch } = await viewing(null);
    const told: string[] = [];
    viewer.chat.store.boundaries.add(({ kind }) => told.push(kind));
    viewer.chat.send("hello");
    await settled();
    const { messageId } = wire.calls.find(({ method }) => method === "SendMessage")?.args[1] as { messageId: string };
    const run = (replyTo: string) => ({ runId: "r", messageId: "a", replyTo, provider: "d", model: "m" });
    watch()?.observer.next({ ...SNAPSHOT, run: run("another") });
    expect(told).toEqual([]);
    watch()?.observer.next({ ...SNAPSHOT, run: run(messageId) });
    expect(told).toEqual(["started"]);
  });

  it("follows an existing one without opening it, and resumes from its position", async () => {
    const { wire, timers, watch, called } = await viewing("s");
    watch()?.observer.next(SNAPSHOT);
    watch()?.observer.next(started(4));
    wire.lose();
    await timers.pass(2000);
    expect(called()).toEqual([]);
    expect(watch()?.args).toEqual(["s", { epoch: "e", offset: 4 }]);
  });

  it("watches again from its position after a hole", async () => {
    const { timers, watch } = await viewing("s");
    watch()?.observer.next(SNAPSHOT);
    watch()?.observer.next(started(6));
    await timers.pass(10);
    expect(watch()?.args).toEqual(["s", { epoch: "e", offset: 3 }]);
  });

  it("watches from null when the same hole comes again", async () => {
    const { timers, watch } = await viewing("s");
    watch()?.observer.next(SNAPSHOT);
    watch()?.observer.next(started(6));
    await timers.pass(10);
    watch()?.observer.next(started(6));
    await timers.pass(5000);
    expect(watch()?.args).toEqual(["s", null]);
  });

  it("watches from null where the numbering is another one", async () => {
    const { timers, watch } = await viewing("s");
    watch()?.observer.next(SNAPSHOT);
    watch()?.observer.next({ ...started(4), epoch: "f" });
    await timers.pass(10);
    expect(watch()?.args).toEqual(["s", null]);
  });

  it("stops by the run, and by the message before there is one", async () => {
    const { wire, viewer, watch } = await viewing("s");
    watch()?.observer.next(SNAPSHOT);
    expect(viewer.chat.stoppable).toBe(false);
    viewer.chat.send("hello");
    await settled();
    const messageId = viewer.outbox.entries[0]?.messageId;
    expect(viewer.chat.stoppable).toBe(true);
    await viewer.chat.stop();
    expect(wire.calls.at(-1)).toEqual({ method: "Stop", args: ["s", { messageId }] });
    watch()?.observer.next(started(4));
    await viewer.chat.stop();
    expect(wire.calls.at(-1)).toEqual({ method: "Stop", args: ["s", { runId: "r" }] });
  });

  it("says what was read, once an answer is whole and somebody looks", async () => {
    let looks = false;
    const { wire, viewer, watch } = await viewing("s", () => looks);
    const marks = () => wire.calls.filter(({ method }) => method === "MarkRead").map(({ args }) => args);
    watch()?.observer.next(SNAPSHOT);
    expect(marks()).toEqual([]);
    looks = true;
    viewer.chat.markRead();
    viewer.chat.markRead();
    expect(marks()).toEqual([["s", SNAPSHOT.offset]]);
    watch()?.observer.next(started(SNAPSHOT.offset + 1));
    expect(marks()).toHaveLength(1);
  });

  it("answers an approval, and says so if somebody was first", async () => {
    const { wire, viewer } = await viewing("s");
    const resolution = { approve: false, by: "bob", scope: "call" };
    wire.answer = () => ({ accepted: true, resolution });
    await viewer.chat.resolveApproval("c1", { approve: false, attempt: 1 });
    expect(wire.calls.at(-1)).toEqual({ method: "ResolveApproval", args: ["s", "c1", { approve: false, attempt: 1 }] });
    expect(viewer.complaint).toBeNull();
    wire.answer = () => ({ accepted: false, resolution });
    await viewer.chat.resolveApproval("c1", { approve: true });
    expect(viewer.complaint).toBe("bob was first: the call was denied already.");
  });

  it("stops nothing where nothing runs", async () => {
    const { viewer, watch, called } = await viewing("s");
    watch()?.observer.next(SNAPSHOT);
    await viewer.chat.stop();
    expect(called()).toEqual([]);
  });

  it("edits by a message of its own, and goes on without one", async () => {
    const { wire, viewer } = await viewing("s");
    viewer.chat.send("better", { replaces: "u1" });
    await viewer.chat.continueFrom("r1");
    await settled();
    const sends = wire.calls.filter(({ method }) => method === "SendMessage").map(({ args }) => args.slice(1));
    expect(sends).toHaveLength(2);
    // What comes after the edited message is put aside, so nobody waits for an answer under way.
    expect(sends).toContainEqual([expect.objectContaining({ content: "better", replaces: "u1" }), { whenBusy: "replace" }]);
    expect(sends).toContainEqual([expect.objectContaining({ content: "" }), { continues: "r1" }]);
  });

  it("does not take a message over the hub's limit", async () => {
    const { viewer } = await viewing("s");
    expect(viewer.chat.send("ä".repeat(600_000))).toBe(false);
    expect(viewer.complaint).toContain("too long");
    expect(viewer.outbox.entries).toEqual([]);
  });

  it("is followed by a new one, where it is gone and something is said", async () => {
    const { wire, viewer, watch } = await viewing("s");
    watch()?.observer.error(new Error("[session_not_found] There is no such session. Open one with OpenSession."));
    expect(viewer.chat.gone).toBe("This chat does not exist or was deleted.");
    expect(viewer.send("x".repeat(1_100_000))).toBe(false);
    expect(viewer.chat.sessionId).toBe("s");
    expect(viewer.send("hello")).toBe(true);
    expect(viewer.chat.sessionId).not.toBe("s");
    await settled();
    expect(wire.calls.findLast(({ method }) => method === "SendMessage")?.args[0]).toBe(viewer.chat.sessionId);
    expect(watch()?.args).toEqual([viewer.chat.sessionId, null]);
  });

  it("says that it is gone", async () => {
    const { viewer, watch } = await viewing("s");
    watch()?.observer.error(new Error("[forbidden] This chat is not yours."));
    expect(viewer.chat.gone).toBe("This chat is not yours.");
  });

  it("takes an id that the hub does not accept for that of no chat", async () => {
    const { viewer, watch } = await viewing("no id");
    watch()?.observer.error(new Error("[invalid_arguments] Expected `str` matching regex."));
    expect(viewer.chat.gone).toBe("This chat does not exist or was deleted.");
  });

  it("complains of what could not be done, and tells the hub of an error once", async () => {
    const { wire, viewer, called } = await viewing("s");
    wire.answer = () => Promise.reject(new Error("[forbidden] Only the owner may."));
    await viewer.chat.rename("x");
    expect(viewer.complaint).toBe("Only the owner may.");
    viewer.chat.reportError("a", "boom");
    viewer.chat.reportError("a", "boom");
    expect(called()).toEqual(["UpdateSession", "ReportError"]);
  });

  it("has nothing left to stop once a message is answered that was shown before its ack came", async () => {
    const { wire, viewer, watch } = await viewing("s");
    watch()?.observer.next(SNAPSHOT);
    let ack: (value: unknown) => void = () => undefined;
    wire.answer = () => new Promise((resolve) => (ack = resolve));
    viewer.chat.send("hello");
    const messageId = viewer.outbox.entries[0]?.messageId ?? "";
    const message = { messageId, role: "user", author: "me", parts: [], status: "complete", createdAt: 1 };
    watch()?.observer.next({ type: "message", message, time: 1, offset: 4 });
    ack({ runId: "r", messageId, epoch: "e", offset: 3, state: "started" });
    await settled();
    expect(viewer.outbox.entries).toEqual([]);
    expect(viewer.chat.stoppable).toBe(false);
  });

  it("leaves out an older page that a snapshot overtook", async () => {
    const { wire, viewer, watch } = await viewing("s");
    watch()?.observer.next({ ...SNAPSHOT, hasMore: true });
    let answer: (page: unknown) => void = () => undefined;
    wire.answer = () => new Promise((resolve) => (answer = resolve));
    const loading = viewer.chat.loadOlder();
    watch()?.observer.next({ ...SNAPSHOT, offset: 8 });
    answer({ messages: [{ messageId: "old", parts: [] }], hasMore: false });
    await loading;
    expect(viewer.chat.store.transcript.order).toEqual([]);
  });
});

describe("the list of sessions", () => {
  const row = (sessionId: string, updatedAt: number) => ({ sessionId, title: sessionId, running: false, unread: false, updatedAt });

  it("joins pages and changes, newest first", async () => {
    const { viewer } = await viewing(null);
    viewer.sessions.merge([row("a", 1), row("b", 2)], true);
    viewer.sessions.apply(row("a", 5));
    viewer.sessions.merge([row("a", 1), row("c", 3)], false);
    expect(viewer.sessions.rows.map((each) => each.sessionId)).toEqual(["a", "c", "b"]);
    viewer.sessions.apply({ sessionId: "c", deleted: true });
    viewer.sessions.merge([row("c", 3)], false);
    expect(viewer.sessions.rows.map((each) => each.sessionId)).toEqual(["a", "b"]);
  });
});
