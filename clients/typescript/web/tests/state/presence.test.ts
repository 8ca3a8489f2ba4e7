import { describe, expect, test } from "vitest";
import { Connection } from "../../src/state/connection";
import { nameOf, type News, type Person, Presence } from "../../src/state/presence";
import { Typing } from "../../src/state/typing";
import { ManualTimers, ScriptedWire, settled } from "./fakes";

const person = (user: string, ...connections: string[]): Person => ({
  user,
  role: "editor",
  connections: connections.map((connectionId) => ({ connectionId })),
});
const names = (presence: Presence) => presence.people.map(({ user }) => user);

function watched(): { presence: Presence; news: News[] } {
  const presence = new Presence();
  const news: News[] = [];
  presence.news.add((one) => news.push(one));
  return { presence, news };
}

test("a roster names all, oneself first, and is no news", () => {
  const { presence, news } = watched();
  presence.take({ sessionId: "s", roster: [person("org/bob", "c2"), person("org/ann", "c1", "c3")] }, "c1");
  expect(names(presence)).toEqual(["org/ann", "org/bob"]);
  expect(presence.me).toBe("org/ann");
  expect(news).toEqual([]);
});

test("who comes and goes is told, but for oneself", () => {
  const { presence, news } = watched();
  presence.take({ sessionId: "s", roster: [person("ann", "c1")] }, "c1");
  presence.take({ sessionId: "s", joined: [person("bob", "c2")], updated: [person("ann", "c1", "c9")], left: [] }, "c1");
  expect(names(presence)).toEqual(["ann", "bob"]);
  expect(presence.people[0]?.connections).toHaveLength(2);
  presence.take({ sessionId: "s", joined: [], updated: [], left: ["bob"] }, "c1");
  expect(names(presence)).toEqual(["ann"]);
  expect(news).toEqual([
    { kind: "joined", user: "bob" },
    { kind: "left", user: "bob" },
  ]);
});

test("without a connection nobody is known to be here, but who one is", () => {
  const { presence } = watched();
  presence.take({ sessionId: "s", roster: [person("ann", "c1")] }, "c1");
  presence.forget();
  expect(names(presence)).toEqual([]);
  expect(presence.me).toBe("ann");
});

test("names go without the organisation", () => {
  expect(["org/ann", "/a/b", "ann", "org/"].map(nameOf)).toEqual(["ann", "a/b", "ann", "org/"]);
});

test("others who write are known, not oneself", () => {
  const { presence } = watched();
  const typing = (user: string, connectionId: string): Person => ({ user, role: "editor", connections: [{ connectionId, state: { typing: true } }] });
  presence.take({ sessionId: "s", roster: [typing("ann", "c1"), typing("bob", "c2"), person("eve", "c3")] }, "c1");
  expect(presence.writing.map(({ user }) => user)).toEqual(["bob"]);
});

describe("typing", () => {
  async function typing(...others: Person[]) {
    const [wire, timers, presence] = [new ScriptedWire(), new ManualTimers(), new Presence()];
    const connection = new Connection(wire, timers);
    connection.start();
    await settled();
    presence.take({ sessionId: "s", roster: [person("ann", "c1"), ...others] }, "c1");
    return { wire, timers, typing: new Typing("s", connection, presence) };
  }
  const told = (wire: ScriptedWire) => wire.calls.map(({ method, args }) => [method, args[1]]);

  test("is told once, and its end after a pause", async () => {
    const { wire, timers, typing: one } = await typing(person("bob", "c2"));
    one.pressed();
    await timers.pass(3000);
    one.pressed();
    await timers.pass(3000);
    expect(told(wire)).toEqual([["SetPresence", { typing: true }]]);
    await timers.pass(1500);
    expect(told(wire)).toEqual([["SetPresence", { typing: true }], ["SetPresence", {}]]);
    one.ended();
    expect(wire.calls).toHaveLength(2);
  });

  test("is told to nobody who is not there", async () => {
    const { wire, typing: one } = await typing(person("ann", "c1", "c9"));
    one.pressed();
    one.ended();
    expect(wire.calls).toEqual([]);
  });
});
