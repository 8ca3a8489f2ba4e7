import { describe, expect, it } from "vitest";
import type { SessionEvent } from "../../src/state/contract";
import { type Boundary, SessionStore } from "../../src/state/store";

const base = { provider: "d", model: "m", epoch: "e", time: 1 };
const SNAPSHOT = { type: "snapshot", epoch: "e", offset: 0, session: {}, messages: [], hasMore: false, time: 1 } as unknown as SessionEvent;
const start = { ...base, type: "run_started", runId: "r", messageId: "a", replyTo: "u", offset: 1 } as SessionEvent;
const text = (offset: number) => ({ type: "text", runId: "r", messageId: "a", part: 0, delta: "x", time: 1, offset }) as SessionEvent;
const done = (offset: number) =>
  ({ type: "done", runId: "r", messageId: "a", outcome: "stopped", usage: {}, timing: {}, time: 2, offset }) as unknown as SessionEvent;

function store() {
  const frames: (() => void)[] = [];
  const made = new SessionStore((run) => frames.push(run));
  const paint = () => frames.splice(0).forEach((run) => run());
  return { made, frames, paint };
}

describe("the store", () => {
  it("tells of any number of deltas once per frame", () => {
    const { made, frames, paint } = store();
    let told = 0;
    made.subscribeMessage("a", () => told++);
    made.apply(SNAPSHOT);
    made.apply(start);
    paint();
    told = 0;
    for (let offset = 2; offset < 102; offset++) made.apply(text(offset));
    expect(frames).toHaveLength(1);
    expect(told).toBe(0);
    paint();
    expect(told).toBe(1);
    expect(made.transcript.messages.get("a")?.parts).toEqual([{ type: "text", text: "x".repeat(100) }]);
  });

  it("does not repaint the list for a delta", () => {
    const { made, paint } = store();
    made.apply(SNAPSHOT);
    made.apply(start);
    paint();
    let lists = 0;
    made.subscribeOrder(() => lists++);
    made.subscribeHead(() => lists++);
    made.apply(text(2));
    paint();
    expect(lists).toBe(0);
  });

  it("announces live starts and ends, not those of a snapshot", () => {
    const { made } = store();
    const heard: Boundary[] = [];
    made.boundaries.add((boundary) => heard.push(boundary));
    made.apply(SNAPSHOT);
    expect(heard).toEqual([]);
    made.apply(start);
    made.apply(done(2));
    made.apply(done(2));
    expect(heard).toEqual([{ kind: "started" }, { kind: "ended", status: "stopped" }]);
  });
});
