import { describe, expect, it } from "vitest";
import { Connection, follow } from "../../src/state/connection";
import { ManualTimers, ScriptedWire, settled } from "./fakes";

async function connected(refusals: (Error | null)[] = []) {
  const wire = new ScriptedWire();
  wire.refusals = refusals;
  const timers = new ManualTimers();
  const connection = new Connection(wire, timers);
  connection.start();
  await settled();
  return { wire, timers, connection };
}
const status = (code: number) => new Error(`Failed to complete negotiation: Error: : Status code '${code}'`);

describe("a connection", () => {
  it("is online once it has started", async () => {
    const { connection } = await connected();
    expect(connection.link).toEqual({ state: "online", reason: null, final: false });
  });

  it("tries again for ever, and says so", async () => {
    const { connection, timers, wire } = await connected(Array.from({ length: 40 }, () => new Error("Failed to fetch")));
    expect(connection.link).toMatchObject({ state: "connecting", reason: "The hub cannot be reached." });
    await timers.pass(60_000);
    expect(connection.link.state).toBe("offline");
    await timers.pass(15 * 60_000);
    expect(wire.starts).toBe(41);
    expect(connection.online).toBe(true);
  });

  it("reconnects after a loss", async () => {
    const { connection, timers, wire } = await connected();
    wire.lose();
    expect(connection.link.state).toBe("reconnecting");
    await timers.pass(1000);
    expect(connection.online).toBe(true);
  });

  it.each([401, 403])("stops at %i with a sentence, until told to try again", async (code) => {
    const { connection, timers, wire } = await connected([status(code)]);
    expect(connection.link).toMatchObject({ state: "offline", final: true });
    expect(connection.link.reason).toContain(String(code));
    await timers.pass(600_000);
    expect(wire.starts).toBe(1);
    connection.retryNow();
    await settled();
    expect(connection.online).toBe(true);
  });

  it("asks for a token at 401, and at nothing else", async () => {
    const { connection, timers } = await connected([status(401), status(401), status(403), null]);
    expect(connection.link.signIn).toBe(true);
    connection.retryNow();
    expect(connection.link.signIn).toBeUndefined();
    await settled();
    expect(connection.link.signIn).toBe(true);
    connection.retryNow();
    await settled();
    expect(connection.link).toMatchObject({ state: "offline", final: true });
    expect(connection.link.signIn).toBeUndefined();
    connection.retryNow();
    await timers.pass(1000);
    expect(connection.link).toEqual({ state: "online", reason: null, final: false });
  });

  it.each([404, 429, 503])("names %i and goes on trying", async (code) => {
    const { connection, timers } = await connected([status(code)]);
    expect(connection.link.reason).toContain(String(code));
    await timers.pass(5000);
    expect(connection.online).toBe(true);
  });

  it("drops a connection that does not answer a probe", async () => {
    const { connection, timers, wire } = await connected();
    wire.answer = () => new Promise(() => undefined);
    connection.probe("ListSessions");
    await timers.pass(3500);
    expect(wire.starts).toBe(2);
    expect(connection.online).toBe(true);
  });

  it("keeps a connection that answers a probe, even with an error", async () => {
    const { connection, timers, wire } = await connected();
    wire.answer = () => Promise.reject(new Error("[unavailable] Not now."));
    connection.probe("ListSessions");
    await timers.pass(10_000);
    expect(wire.starts).toBe(1);
  });
});

describe("a followed stream", () => {
  async function following(next: (item: unknown) => boolean = () => true) {
    const all = await connected();
    const items: unknown[] = [];
    const ended: (string | null)[] = [];
    const stop = follow<unknown>(all.connection, {
      call: () => ["Watch", items.length],
      next: (item) => (items.push(item), next(item)),
      ended: (_, code) => ended.push(code),
    });
    return { ...all, items, ended, stop };
  }

  it("goes on where it was after a lost connection", async () => {
    const { wire, timers, items } = await following();
    wire.live?.observer.next("a");
    wire.lose();
    await timers.pass(2000);
    expect(wire.streams).toHaveLength(2);
    expect(wire.live?.args).toEqual([1]);
    wire.live?.observer.next("b");
    expect(items).toEqual(["a", "b"]);
  });

  it("asks again for what did not fit, with growing pauses, and hears no more of the old one", async () => {
    const { wire, timers, items } = await following(() => false);
    const first = wire.live;
    first?.observer.next("x");
    first?.observer.next("late");
    expect(first?.disposed).toBe(true);
    expect(items).toEqual(["x"]);
    await timers.pass(0);
    expect(wire.streams).toHaveLength(2);
    wire.live?.observer.next("y");
    await timers.pass(500);
    expect(wire.streams).toHaveLength(2);
    await timers.pass(2000);
    expect(wire.streams).toHaveLength(3);
  });

  it.each(["session_not_found", "forbidden"])("ends for good at %s", async (code) => {
    const { wire, timers, ended } = await following();
    wire.live?.observer.error(new Error(`[${code}] No.`));
    await timers.pass(60_000);
    expect(ended).toEqual([code]);
    expect(wire.streams).toHaveLength(1);
  });

  it("comes back after an error that passes", async () => {
    const { wire, timers, ended } = await following();
    wire.live?.observer.error(new Error("[backplane_away] Later. (retry after 1 s)"));
    await timers.pass(60_000);
    expect(ended).toEqual([]);
    expect(wire.streams).toHaveLength(2);
  });

  it("ends when the hub completes it", async () => {
    const { wire, ended } = await following();
    wire.live?.observer.complete();
    expect(ended).toEqual([null]);
  });

  it("is cancelled by its user", async () => {
    const { wire, timers, stop } = await following();
    stop();
    expect(wire.live).toBeUndefined();
    wire.lose();
    await timers.pass(60_000);
    expect(wire.streams).toHaveLength(1);
  });
});
