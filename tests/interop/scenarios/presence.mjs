// Presence: all who watch are told who else does, of their states, and who goes.

import { equal, fails, ok, within } from "../lib/check.mjs";

// What a tab is told, folded: states by connection.
function rosterOf(tab) {
  const users = new Map();
  let looks = [];
  tab.connection.on("Presence", ({ roster, joined = [], updated = [], left = [] }) => {
    if (roster) users.clear();
    for (const user of left) users.delete(user);
    for (const one of [...(roster ?? []), ...joined, ...updated]) users.set(one.user, one);
    for (const look of [...looks]) look();
  });
  const states = () =>
    Object.fromEntries(
      [...users.values()].flatMap((one) => one.connections.map((each) => [each.connectionId, each.state])),
    );
  const until = (expected, what) =>
    within(
      new Promise((resolve) => {
        const look = () => {
          if (JSON.stringify(sorted(states())) === JSON.stringify(sorted(expected))) resolve();
        };
        looks = [...looks, look];
        look();
      }),
      () => `${what}: ${JSON.stringify(states())}`,
    );
  return { users, until };
}

const sorted = (record) => Object.fromEntries(Object.entries(record).sort());

export async function who_watches(t) {
  const [one, two] = [await t.connect(), await t.connect()];
  const [first, second] = [rosterOf(one), rosterOf(two)];
  const [a, b] = [one.connection.connectionId, two.connection.connectionId];
  const { sessionId, limits, features } = await one.invoke("OpenSession", {});
  equal(limits.presenceBytes, 4096, "the limit that is announced");
  ok(features.includes("presence"), "the feature that is announced");
  await one.watch(sessionId);
  await first.until({ [a]: {} }, "the first, alone");
  equal(first.users.get("anonymous").role, "owner", "the role");
  const watch = await two.watch(sessionId);
  for (const each of [first, second]) await each.until({ [a]: {}, [b]: {} }, "both");
  await two.invoke("SetPresence", sessionId, { typing: true, selection: { sheet: "Blatt 1", cells: ["A1", "B2"] }, x: 1.5 });
  const state = { typing: true, selection: { sheet: "Blatt 1", cells: ["A1", "B2"] }, x: 1.5 };
  for (const each of [first, second]) await each.until({ [a]: {}, [b]: state }, "a state");
  watch.dispose();
  await first.until({ [a]: {} }, "the first, alone again");
  await fails(two.invoke("SetPresence", sessionId, {}), /\[conflict\] This connection does not watch the session/);
}

export async function states_have_limits(t) {
  const { tab, sessionId } = await t.session();
  await fails(tab.invoke("SetPresence", sessionId, { text: "x".repeat(5000) }), /\[too_large\] The state has 5011 bytes as JSON, over the limit of 4096/);
  await fails(tab.invoke("SetPresence", sessionId, "typing"), /\[invalid_arguments\] state: /);
  await fails(tab.invoke("SetPresence", "no-such", {}), /\[session_not_found\]/);
}
