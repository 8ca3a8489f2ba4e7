import { expect, test } from "vitest";
import { nameOf, type News, type Person, Presence } from "../../src/state/presence";

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
