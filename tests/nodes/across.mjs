// The official client through a balancer that knows nothing of connections, before three nodes: each of its requests
// goes to another node than the one before.

import { equal, ok, within } from "../interop/lib/check.mjs";
import { builderOf, collect, connect, transportOf } from "../interop/lib/connections.mjs";
import { Tab } from "../interop/lib/world.mjs";

const PATH = "/board";
const TRANSPORTS = ["WebSockets", "ServerSentEvents", "LongPolling"];

const upTo = (count) => Array.from({ length: count }, (_, index) => index);

const board = (t, { transport, token }) => connect(t, { transport, path: PATH, accessTokenFactory: () => token });

// Connections until they are on `nodes` different ones.
async function spread(t, { transport, token }, nodes) {
  const found = new Map();
  for (let tries = 0; found.size < nodes; tries += 1) {
    ok(tries < 30, `30 connections by ${transport} are on ${found.size} nodes`);
    const connection = await board(t, { transport, token });
    const node = await connection.invoke("Where");
    if (!found.has(node)) found.set(node, connection);
  }
  return [...found.values()];
}

export async function calls_and_streams(t, { transport, token }) {
  const connection = await board(t, { transport, token });
  equal(transportOf(connection), `${transport.replace("WebSockets", "WebSocket")}Transport`, "the transport");
  const node = await connection.invoke("Where");
  const value = { text: "é 🌍 \n\u2028", list: [1, 2.5, -3, null, true] };
  for (let turn = 0; turn < 4; turn += 1) {
    equal(await connection.invoke("Echo", value), value, "the value that came back");
    equal(await connection.invoke("Where"), node, "the node that has the connection");
  }
  equal(await collect(connection.stream("Count", 500)), upTo(500), "the stream");
  const subject = new t.signalR.Subject();
  const sum = connection.invoke("Sum", subject);
  for (const number of upTo(100)) subject.next(number);
  subject.complete();
  equal(await within(sum, () => "the sum"), 4950, "the sum of what was uploaded");
  await Promise.all(upTo(20).map(async (number) => equal(await connection.invoke("Echo", number), number, "an echo")));
  const text = "x".repeat(30_000); // a message's limit is 32,768 bytes
  const several = await Promise.all(upTo(8).map(() => connection.invoke("Echo", text)));
  ok(several.every((each) => each === text), "a long text came back changed");
  await connection.stop();
}

export async function groups_between_nodes(t, { transport, token }) {
  const members = await spread(t, { transport, token }, 2);
  const others = await board(t, { token }); // by WebSockets
  const news = new Map([...members, others].map((connection) => [connection, []]));
  const group = t.id("group");
  const all = [...news].map(([connection, told]) => {
    const whole = new Promise((resolve) => {
      connection.on("News", (number) => {
        told.push(number);
        if (told.length === 20) resolve();
      });
    });
    return within(whole, () => `the news of which ${told.length} came`);
  });
  for (const connection of news.keys()) await connection.invoke("Join", group);
  await members[0].invoke("Tell", group, 10);
  while (news.get(members[1]).length < 10 || news.get(others).length < 10) await members[1].invoke("Echo", null);
  await members[1].invoke("Tell", group, 10);
  await Promise.all(all);
  for (const told of news.values()) equal(told, [...upTo(10), ...upTo(10)], "the news of one of the group");
}

export async function a_chat(t, { transport, token }) {
  const tabs = await Promise.all(
    [transport, transport, "WebSockets"].map(async (each) => new Tab(await connect(t, { transport: each, accessTokenFactory: () => token }))),
  );
  const { sessionId } = await tabs[0].invoke("OpenSession", {});
  const watches = [];
  for (const tab of tabs) watches.push(await tab.watch(sessionId));
  const first = await tabs[1].send(sessionId, t.id("m"), "hello");
  await Promise.all(watches.map((watch) => watch.done(first.runId)));
  const second = await tabs[2].send(sessionId, t.id("m"), "again");
  await Promise.all(watches.map((watch) => watch.done(second.runId)));
  equal(watches[0].fold.messages.size, 4, "the number of messages");
  for (const watch of watches) equal(watch.fold.transcript(), watches[0].fold.transcript(), "the transcript");
}

// One node dies that has a connection by each transport: these begin anew elsewhere, and no other one notices.
export async function the_owner_dies(t, { token }) {
  const delays = Array(100).fill(50);
  const byNode = new Map();
  const isSpread = () => [...byNode.values()].some((owned) => owned.size === TRANSPORTS.length);
  const everybody = [];
  for (let turn = 0; !isSpread(); turn += 1) {
    ok(turn < 30, "90 connections are not spread over the nodes");
    for (const transport of TRANSPORTS) {
      const connection = builderOf(t, { transport, path: PATH, accessTokenFactory: () => token }).withAutomaticReconnect(delays).build();
      t.connections.push(connection);
      await within(connection.start(), () => "the start");
      const node = await connection.invoke("Where");
      if (!byNode.has(node)) byNode.set(node, new Map());
      byNode.get(node).set(transport, connection);
      const back = new Promise((resolve) => connection.onreconnected(resolve));
      everybody.push({ connection, node, transport, back, begun: connection.connectionId });
    }
  }
  const [dying] = [...byNode].find(([, owned]) => owned.size === TRANSPORTS.length);
  await t.ask("kill", dying);
  for (const { connection, node, transport, back, begun } of everybody) {
    if (node === dying) {
      await within(back, () => `the reconnect by ${transport}`);
      ok((await connection.invoke("Where")) !== dying, "it is still at the node that died");
      ok(connection.connectionId !== begun, "it is the old connection");
    } else {
      equal(connection.connectionId, begun, `the connection by ${transport} at another node`);
    }
    equal(await connection.invoke("Echo", 1), 1, `the answer by ${transport}`);
  }
  return { connections: everybody.length, lost: everybody.filter(({ node }) => node === dying).length };
}

// The node that has the connection is told to end: the client comes back elsewhere, and goes on where it was.
export async function the_owner_drains(t, { token, transport }) {
  const connection = builderOf(t, { transport, accessTokenFactory: () => token })
    .withAutomaticReconnect(Array(100).fill(50))
    .build();
  const back = new Promise((resolve) => connection.onreconnected(resolve));
  t.connections.push(connection);
  await within(connection.start(), () => "the start");
  const tab = new Tab(connection);
  const { sessionId } = await tab.invoke("OpenSession", {});
  const watch = await tab.watch(sessionId);
  const first = await tab.send(sessionId, t.id("m"), "hello");
  await watch.done(first.runId);
  await t.ask("drain");
  await within(back, () => `the reconnect by ${transport}`);
  const second = await tab.send(sessionId, t.id("m"), "again");
  const resumed = tab.follow(sessionId, watch.fold.position, watch.fold);
  await resumed.done(second.runId);
}
