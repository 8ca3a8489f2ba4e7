// What has its own transports: all of them at once where it takes its time, or the one that the client chooses.

import { equal, fails, matches, ok, within } from "../lib/check.mjs";
import { builderOf, closing, connect, started, transportOf } from "../lib/connections.mjs";

const transportsOf = (t) =>
  t.encoding === "json" ? ["WebSockets", "ServerSentEvents", "LongPolling"] : ["WebSockets", "LongPolling"];

// P1, P3: the client hears from the server before it loses patience. P2: the server of one that goes on pinging.
export async function pings_keep_it_open(t) {
  const lost = [];
  const connections = transportsOf(t).map((transport) => {
    const builder = builderOf(t, { transport, path: "/quick" }).withServerTimeout(1_000).withKeepAliveInterval(100);
    const connection = builder.build();
    connection.onclose(() => lost.push(transport));
    return connection;
  });
  await Promise.all(connections.map((connection) => started(t, connection)));
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // longer than either side waits
  equal(lost, [], "the transports that were lost");
  for (const connection of connections) equal(await connection.invoke("Echo", 1), 1, "the answer");
}

// By long polling the client never pings, and so it may be silent.
export async function silence_of_the_client(t) {
  const transports = transportsOf(t).filter((transport) => transport !== "LongPolling");
  await Promise.all(
    transports.map(async (transport) => {
      const connection = builderOf(t, { transport, path: "/quick" }).withKeepAliveInterval(60_000).build();
      const closed = closing(connection);
      await started(t, connection);
      equal(await closed, "Server returned an error on close: Connection closed with an error.", "the error");
      matches(await t.ask("gone"), /./);
    }),
  );
}

// N5: a client follows redirects a hundred times.
export async function a_loop_of_redirects(t) {
  await fails(builderOf(t, { path: "/said/loop" }).build().start(), /^Negotiate redirection limit exceeded\.$/);
}

export async function stop_ends_the_poll(t) {
  const connection = await connect(t, { transport: "LongPolling" });
  await connection.invoke("Echo", 1);
  await connection.stop();
  equal(await t.ask("gone"), null, "the error of on_disconnected");
  const requests = await t.ask("requests");
  ok(requests.includes("DELETE /hub"), `no DELETE among ${requests}`);
}

// A transport that the hub does not offer is passed over, and one that the encoding cannot use.
export async function chosen_among_what_is_offered(t) {
  const connection = await connect(t, { path: "/nowebsockets" });
  const expected = t.encoding === "json" ? "ServerSentEventsTransport" : "LongPollingTransport";
  equal(transportOf(connection), expected, "the transport");
  equal(await connection.invoke("Echo", 1), 1, "the answer");
}

export async function skipping_negotiation(t) {
  const options = { transport: "WebSockets", skipNegotiation: true };
  const connection = builderOf(t, options).withAutomaticReconnect([0, 20]).build();
  const back = new Promise((resolve) => connection.onreconnected((id) => resolve(id ?? null)));
  await started(t, connection);
  equal(connection.connectionId, null, "the id");
  connection.serverTimeout();
  equal(await within(back, () => "the reconnect"), null, "the new id");
  equal(await connection.invoke("Echo", 1), 1, "the answer");
  equal((await connection.invoke("Whoami"))[0].length, 22, "the length of the id that the server gave");
}
