import { describe, expect, it } from "vitest";
import type { Accepted } from "../../src/state/contract";
import { type Draft, memoryStorage, Outbox } from "../../src/state/outbox";
import { seeded } from "../random";
import { ManualTimers, settled } from "./fakes";

const draft = (messageId: string, more: Partial<Draft> = {}): Draft => ({
  messageId, sessionId: "s", content: messageId, createdAt: Number(messageId.replace(/\D/g, "")) || 0, ...more,
});
const accepted = (messageId: string): Accepted => ({ runId: "r", messageId, epoch: "e", offset: 5, state: "started" });
const lost = new Error("Invocation canceled due to the underlying connection being closed.");

function outbox(send: (draft: Draft) => Promise<Accepted>, storage = memoryStorage()) {
  const timers = new ManualTimers();
  const net = { online: true };
  const box = new Outbox(storage, send, () => net.online, timers);
  const states = () => box.entries.map(({ messageId, state }) => `${messageId} ${state}`);
  return { box, timers, net, storage, states };
}

describe("the outbox", () => {
  it("keeps what is written offline, and sends it in order once online", async () => {
    const sent: string[] = [];
    const { box, net, states, storage } = outbox((each) => (sent.push(each.messageId), Promise.resolve(accepted(each.messageId))));
    net.online = false;
    box.add(draft("m1"));
    box.add(draft("m2"));
    expect(states()).toEqual(["m1 waiting", "m2 waiting"]);
    expect(storage.load()).toHaveLength(2);
    net.online = true;
    box.pump();
    await settled();
    expect(sent).toEqual(["m1", "m2"]);
    expect(states()).toEqual(["m1 accepted", "m2 accepted"]);
    expect(storage.load()).toEqual([]);
  });

  it("sends one message of a session at a time, and sessions beside each other", async () => {
    const sent: string[] = [];
    const { box } = outbox((each) => (sent.push(each.messageId), new Promise(() => undefined)));
    box.add(draft("m1"));
    box.add(draft("m2"));
    box.add(draft("m3", { sessionId: "t" }));
    await settled();
    expect(sent).toEqual(["m1", "m3"]);
  });

  it("sends again under the same id when the answer was lost", async () => {
    const sent: string[] = [];
    const { box, timers, states } = outbox((each) => {
      sent.push(each.messageId);
      return sent.length < 3 ? Promise.reject(lost) : Promise.resolve(accepted(each.messageId));
    });
    box.add(draft("m1"));
    await timers.pass(10_000);
    expect(sent).toEqual(["m1", "m1", "m1"]);
    expect(states()).toEqual(["m1 accepted"]);
  });

  it("gives up on a message that breaks the connection each time, until it is told to try", async () => {
    let count = 0;
    const { box, timers, states } = outbox(() => (count++, Promise.reject(lost)));
    box.add(draft("m1"));
    await timers.pass(600_000);
    expect(count).toBe(5);
    expect(states()).toEqual(["m1 failed"]);
    box.retry("m1");
    await settled();
    expect(count).toBe(6);
  });

  it("waits as long as the hub asks", async () => {
    let count = 0;
    const refusal = new Error("[rate_limited] Too fast. (retry after 7 s)");
    const { box, timers } = outbox((each) => (count++ ? Promise.resolve(accepted(each.messageId)) : Promise.reject(refusal)));
    box.add(draft("m1"));
    await timers.pass(6900);
    expect(count).toBe(1);
    await timers.pass(1000);
    expect(count).toBe(2);
  });

  it("shows a refusal and goes on with the next", async () => {
    const { box, states } = outbox((each) =>
      each.messageId === "m1" ? Promise.reject(new Error("[too_large] Shorten it.")) : Promise.resolve(accepted(each.messageId)),
    );
    box.add(draft("m1"));
    box.add(draft("m2"));
    await settled();
    expect(states()).toEqual(["m1 failed", "m2 accepted"]);
    expect(box.entries[0]?.error).toBe("Shorten it.");
  });

  it("drops what the transcript shows, or must have shown", async () => {
    const { box, states } = outbox((each) => Promise.resolve(accepted(each.messageId)));
    box.add(draft("m1"));
    box.add(draft("m2"));
    await settled();
    box.settle("s", () => false, null);
    expect(states()).toEqual(["m1 accepted", "m2 accepted"]);
    box.settle("s", (messageId) => messageId === "m1", null);
    expect(states()).toEqual(["m2 accepted"]);
    // A snapshot from before the hub took it, however late it comes.
    box.settle("s", () => false, { epoch: "e", offset: 5 });
    expect(states()).toEqual(["m2 accepted"]);
    box.settle("s", () => false, { epoch: "e", offset: 6 });
    expect(states()).toEqual([]);
  });

  it("says whether a cancelled message may be at the hub", async () => {
    const { box, net } = outbox(() => new Promise(() => undefined));
    net.online = false;
    box.add(draft("m1"));
    expect(box.cancel("m1")).toBe(false);
    net.online = true;
    box.add(draft("m2"));
    expect(box.cancel("m2")).toBe(true);
    expect(box.entries).toEqual([]);
  });

  it("finds after a reload what was not sent", async () => {
    const storage = memoryStorage();
    const before = outbox(() => new Promise(() => undefined), storage);
    before.box.add(draft("m2"));
    before.box.add(draft("m1"));
    const sent: string[] = [];
    const after = outbox((each) => (sent.push(each.messageId), Promise.resolve(accepted(each.messageId))), storage);
    after.box.pump();
    await settled();
    expect(sent).toEqual(["m1", "m2"]);
  });

  it("delivers each message exactly once to a hub that knows ids, whatever breaks", async () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = seeded(seed);
      const hub = new Map<string, number>();
      const { box, timers, net, states } = outbox((each) => {
        const arrives = random() < 0.7;
        if (arrives && !hub.has(each.messageId)) hub.set(each.messageId, hub.size);
        return arrives && random() < 0.6 ? Promise.resolve(accepted(each.messageId)) : Promise.reject(lost);
      });
      for (let count = 1; count <= 4; count++) {
        box.add(draft(`m${count}`));
        net.online = random() < 0.5;
        await timers.pass(random() * 3000);
      }
      net.online = true;
      box.pump();
      for (let round = 0; round < 40; round++) {
        for (const entry of box.entries) if (entry.state === "failed") box.retry(entry.messageId);
        await timers.pass(20_000);
      }
      expect(states(), `seed ${seed}`).toEqual(["m1 accepted", "m2 accepted", "m3 accepted", "m4 accepted"]);
      expect([...hub.keys()].sort()).toEqual(["m1", "m2", "m3", "m4"]);
    }
  });
});
