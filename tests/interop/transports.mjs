// The official client over every transport: its whole surface on a small hub, fallback, redirects, stateful reconnect,
// and what it does with tokens that a server does not know. The stage counts what arrives there.

import { equal, fails, matches, ok, within } from "./lib/check.mjs";
import { builderAt, collect, KINDS, transportOf } from "./lib/connections.mjs";
import { textOf } from "./lib/fold.mjs";
import { Proxy } from "./lib/proxy.mjs";
import { count, gate, say, script } from "./lib/script.mjs";
import { Tab } from "./lib/world.mjs";

async function surface(t, connection) {
  const value = { text: "é 🌍 \n\u2028", list: [1, 2.5, -3, null, true], deep: { a: [[{}]] } };
  equal(await connection.invoke("Echo", value), value, "the value that came back");
  equal(await connection.invoke("Whoami"), connection.connectionId, "the connection's id");
  equal(await collect(connection.stream("Count", 100)), Array.from({ length: 100 }, (_, index) => index), "the stream");
  await fails(connection.invoke("Fail"), /HubException: Not today\.$/);
  await fails(connection.invoke("Nothing"), /Unknown hub method 'Nothing'/);

  const subject = new t.signalR.Subject();
  const sum = connection.invoke("Sum", subject);
  for (let number = 0; number < 50; number += 1) subject.next(number);
  subject.complete();
  equal(await within(sum, () => "the sum"), 1225, "the sum of what was uploaded");

  connection.on("Name", (number) => `name ${number}`);
  equal(await within(connection.invoke("Ask", 7), () => "the client's own answer"), "name 7", "the client's result");

  const news = [];
  connection.on("News", (number) => news.push(number));
  await connection.send("Tell", 5);
  while (news.length < 5) await connection.invoke("Echo", null);
  equal(news, [0, 1, 2, 3, 4], "what was sent to all");

  let started;
  const first = new Promise((resolve) => (started = resolve));
  const endless = connection.stream("Endless").subscribe({ next: started, complete() {}, error() {} });
  await within(first, () => "the first item");
  endless.dispose();
  await t.ask("cancelled");
}

export async function whole_surface(t, { transport }) {
  const connection = builderAt(t, t.url, { transport: KINDS[transport] }).build();
  const closed = new Promise((resolve) => connection.onclose(resolve));
  await within(connection.start(), () => "the start");
  equal(transportOf(connection), `${transport.replace("WebSockets", "WebSocket")}Transport`, "the transport");
  await surface(t, connection);
  const connectionId = await connection.invoke("Whoami");
  await connection.stop();
  equal(await closed, undefined, "the error of onclose");
  equal(await t.ask("ended", connectionId), null, "the error of on_disconnected");
}

export async function binary_over_events_is_refused_by_the_client(t) {
  const connection = builderAt(t, t.url, { transport: KINDS.ServerSentEvents }).build();
  await fails(connection.start(), /'ServerSentEvents' does not support Binary/);
}

export async function without_negotiation(t) {
  const connection = builderAt(t, t.url, { transport: KINDS.WebSockets, skipNegotiation: true }).build();
  await connection.start();
  equal(await connection.invoke("Echo", 1), 1, "the answer");
  await connection.stop();
  equal((await t.ask("counts")).negotiations, 0, "negotiations");
}

export async function falls_back(t, { refused, expected }) {
  await t.ask("refuse", refused);
  const connection = builderAt(t, t.url).build();
  await within(connection.start(), () => "the start");
  equal(transportOf(connection), `${expected}Transport`, "the transport");
  equal(await connection.invoke("Echo", 1), 1, "the answer");
  await connection.stop();
}

export async function nothing_is_left(t) {
  await t.ask("refuse", ["WebSockets", "ServerSentEvents", "LongPolling"]);
  await fails(builderAt(t, t.url).build().start(), /Unable to connect to the server with any of the available transports/);
}

export async function follows_a_redirect(t) {
  const connection = builderAt(t, `${t.url}/elsewhere`).build();
  await connection.start();
  equal(await connection.invoke("Bearer"), "Bearer from the redirect", "the token that the redirect gave");
  await connection.stop();
}

// The server's close: with allowReconnect the client comes back, otherwise it stays away.
export async function closed_by_the_server(t, { transport }) {
  const options = { transport: KINDS[transport] };
  const connection = builderAt(t, t.url, options).withAutomaticReconnect([0, 50, 50]).build();
  await connection.start();
  const back = new Promise((resolve) => connection.onreconnected(resolve));
  const before = connection.connectionId;
  await t.ask("close_all");
  ok((await within(back, () => "the reconnect")) !== before, "the new connection has a new id");
  equal(await connection.invoke("Echo", 1), 1, "the answer");
  const closed = new Promise((resolve) => connection.onclose((error) => resolve(error ?? null)));
  connection.invoke("Abort").catch(() => {});
  await within(closed, () => "the close");
  equal(connection.state, "Disconnected", "the state");
}

// The head of the answer to an upgrade. A client tries to come back once: if that is cut too, it begins anew.
const UPGRADE_BYTES = 400;

// Cuts at random moments, also while what was lost is sent again; calls and streams both ways go on all the time.
export async function stateful_reconnect(t, { cuts }) {
  const proxy = await Proxy.open(t.url);
  let again = Infinity; // after how many bytes the connection is lost once more
  let made = 0;
  let told = 0;
  proxy.cut = () => {
    Proxy.prototype.cut.call(proxy);
    proxy.cutAfter(again);
    again = Infinity;
    made += 1;
  };
  const connection = builderAt(t, proxy.url).withStatefulReconnect().build();
  let reconnecting = 0;
  connection.onreconnecting(() => (reconnecting += 1));
  let lost = null;
  connection.onclose((error) => (lost = error ?? new Error("closed")));
  const news = [];
  connection.on("News", (number) => news.push(number));
  await connection.start();
  const { connectionId } = connection;
  await t.ask("attached", connectionId); // the handshake is done
  const before = (await t.ask("counts")).negotiations;

  const total = cuts * 40;
  const streamed = collect(connection.stream("Slowly", total));
  const pushed = collect(connection.stream("Push", total));
  const subject = new t.signalR.Subject();
  const sum = connection.invoke("Sum", subject);
  for (const promise of [streamed, pushed, sum]) promise.catch((error) => (lost ??= error));
  const answers = [];
  let asked = 0;
  for (let cut = 0; cut < cuts && lost === null; cut += 1) {
    for (let call = 0; call < 20; call += 1) {
      asked += 1;
      const number = asked;
      connection.invoke("Once", number).then((answer) => answers.push(answer), (error) => (lost ??= error));
      subject.next(1);
    }
    await within(connection.invoke("Echo", null), () => "an answer, so that the client is there");
    const isTwice = t.random(2) === 1;
    const before = made;
    if (isTwice) again = UPGRADE_BYTES + t.random(5_000); // amid what is sent again
    if (t.random(3) === 0) proxy.cut();
    else proxy.cutAfter(t.random(3_000));
    while (made < before + (isTwice ? 2 : 1)) {
      await t.ask("tell", 3); // so that bytes flow until it is cut
      told += 3;
    }
    await new Promise((resolve) => setTimeout(resolve, t.random(15)));
  }
  subject.complete();
  ok(lost === null, `the connection was lost: ${lost?.stack}`);
  const numbers = Array.from({ length: total }, (_, index) => index);
  equal(await streamed, numbers, "the pulled stream");
  equal(await pushed, numbers, "the pushed stream");
  equal(await within(sum, () => "the sum"), asked, "what was uploaded");
  await connection.invoke("Echo", null);
  ok(lost === null, `the connection was lost: ${lost?.stack}`);
  equal(answers.sort((a, b) => a - b), Array.from({ length: asked }, (_, index) => index + 1), "the answers");
  equal(news, Array.from({ length: told }, (_, index) => index), "what was sent to all");
  equal(connection.connectionId, connectionId, "the connection's id");
  equal(reconnecting, 0, "how often the client began anew");
  equal((await t.ask("counts")).negotiations, before, "negotiations");
  equal(await t.ask("repeats"), [], "calls that ran twice");
  await connection.stop();
  equal(await t.ask("ended", connectionId), null, "the error of on_disconnected");
  await proxy.close();
}

// Another process answers on the same address, which has never heard of the token.
export async function old_token(t, { transport, stateful, how }) {
  const proxy = await Proxy.open(t.url);
  let build = builderAt(t, proxy.url, { transport: KINDS[transport] }).withAutomaticReconnect([0, 100, 100, 100]);
  if (stateful) build = build.withStatefulReconnect();
  const connection = build.build();
  await connection.start();
  await connection.invoke("Echo", 1);
  const back = new Promise((resolve, reject) => {
    connection.onreconnected(resolve);
    connection.onclose((error) => reject(error ?? new Error("closed")));
  });
  const before = await t.ask("counts");
  await t.ask(how); // "restart": the old process closes what it has; "replace": it is gone at once
  proxy.cut();
  await within(back, () => "the reconnect");
  equal(await connection.invoke("Echo", 1), 1, "the answer");
  const after = await t.ask("counts");
  const used = Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]]));
  ok(used.negotiations <= 2, `${used.negotiations} negotiations`);
  ok(used.begun <= 3, `${used.begun} connections were tried`);
  await connection.stop();
  await proxy.close();
  return used;
}

export async function unauthorised(t) {
  const text = await fails(builderAt(t, `${t.url}/guarded`).build().start(), /./);
  matches(text, /^Failed to complete negotiation with the server: Error: Unauthorized: Status code '401'/);
  const connection = builderAt(t, `${t.url}/guarded`, { accessTokenFactory: () => "ann" }).build();
  await connection.start();
  equal(await connection.invoke("Bearer"), "Bearer ann", "the token");
  await connection.stop();
}

// The chat hub's watch, whose fold throws at any hole or repeat. More comes than the resend buffer holds, so it falls
// behind while its sockets are lost.
export async function a_watch_over_lost_sockets(t, { cuts }) {
  const { tab, sessionId, watch: stayed } = await t.session();
  const proxy = await Proxy.open(t.url);
  const leaving = new Tab(builderAt(t, proxy.url).withStatefulReconnect().build());
  t.tabs.push(leaving);
  await leaving.connection.start();
  const { connectionId } = leaving.connection;
  const watch = await leaving.watch(sessionId);
  const filler = "z".repeat(300);
  const finish = t.id("gate");
  const steps = [count(4_000, ` ${filler} `), say(gate(finish), "the last words")];
  const { runId } = await leaving.send(sessionId, t.id("m"), script("x", steps));
  for (let cut = 0; cut < cuts; cut += 1) {
    proxy.cut();
    await leaving.invoke("GetSession", sessionId); // it is back
    const seen = watch.fold.offset;
    if (!watch.fold.isDone(runId)) {
      await watch.until(() => watch.fold.offset !== seen || textOf(watch.fold.answerTo(runId)).includes("3999 "), "more");
    }
  }
  await t.ask("open", finish);
  await Promise.all([stayed.done(runId), watch.until(() => watch.fold.isDone(runId), "the done")]);
  equal(watch.fold.transcript(), stayed.fold.transcript(), "the transcript of the one that left");
  equal(leaving.connection.connectionId, connectionId, "the connection's id");
  await tab.connection.stop();
  await proxy.close();
  return { snapshots: watch.fold.snapshots, events: watch.events.length };
}
