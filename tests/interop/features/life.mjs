// The life of a connection: beginnings that fail, ends of every kind, and coming back.

import { equal, fails, matches, ok, within } from "../lib/check.mjs";
import { builderOf, closing, connect, Received, started } from "../lib/connections.mjs";

export async function can_be_started_again(t, { transport }) {
  const messages = new Received();
  const connection = builderOf(t, { transport }).build();
  equal(connection.connectionId, null, "the id before the start");
  const ids = new Set();
  for (let round = 0; round < 3; round += 1) {
    const closed = round === 0 ? closing(connection) : null;
    await started(t, connection, round === 0 ? { Message: messages.push } : {}); // handlers stay
    equal((await connection.invoke("Whoami"))[0], connection.connectionId, "the id that the server sees");
    ids.add(connection.connectionId);
    await connection.invoke("InvokeWithString", `round ${round}`);
    equal(await messages.next(), `round ${round}`, "the message");
    await connection.stop();
    equal(connection.connectionId, null, "the id after the stop");
    equal(await t.ask("gone"), null, "the error of on_disconnected");
    if (closed !== null) equal(await closed, null, "the error of onclose");
  }
  equal(ids.size, 3, "different ids");
}

// As the client does when it has heard nothing for too long.
export async function comes_back_by_itself(t, { transport }) {
  for (const path of ["/hub", "/redirected"]) {
    const connection = builderOf(t, { transport, path }).withAutomaticReconnect([0, 20, 20]).build();
    const back = new Promise((resolve) => connection.onreconnected(resolve));
    const leaving = new Promise((resolve) => connection.onreconnecting((error) => resolve(error.message)));
    await started(t, connection);
    const before = connection.connectionId;
    const redirects = await connection.invoke("Query", "numRedirects");
    connection.serverTimeout();
    matches(await within(leaving, () => "the loss"), /^Server timeout elapsed/);
    const now = await within(back, () => "the reconnect");
    ok(now !== before, "the id is a new one");
    equal((await connection.invoke("Whoami"))[0], now, "the id that the server sees");
    const after = await connection.invoke("Query", "numRedirects");
    if (path === "/redirected") ok(Number(after) > Number(redirects), "it has negotiated at the first address again");
    await connection.stop();
  }
}

// X3: what the server's Close makes of a client that would come back, and of one that would not.
export async function closed_by_the_server(t, { transport }) {
  const plain = await connect(t, { transport });
  const over = closing(plain);
  await t.ask("close_all");
  equal(await over, null, "the error of onclose");
  equal(plain.state, "Disconnected", "the state");

  const returning = builderOf(t, { transport }).withAutomaticReconnect([0, 20, 20]).build();
  const back = new Promise((resolve) => returning.onreconnected(resolve));
  await started(t, returning);
  await t.ask("close_all"); // allowReconnect
  await within(back, () => "the reconnect");
  equal(await returning.invoke("Echo", 1), 1, "the answer");
  const ended = closing(returning);
  returning.invoke("Abort").catch(() => {}); // not allowed
  await ended;
  equal(returning.state, "Disconnected", "the state");
}

const CLOSED = "Server returned an error on close: Connection closed with an error.";

async function endOf(t, transport, path) {
  const connection = builderOf(t, { transport, path }).withAutomaticReconnect([0]).build();
  const closed = closing(connection);
  try {
    await started(t, connection);
  } catch (error) {
    return error.message; // by some transports the end is there before the start is over
  }
  return closed;
}

export async function refused_while_connecting(t, { transport }) {
  for (const [path, reason] of [
    ["/hub?refuse=raise", `${CLOSED} InvalidOperation: Not this one.`],
    ["/plain?refuse=raise", CLOSED],
    ["/uncreatable", `${CLOSED} InvalidOperation: Unable to make it.`],
    ["/hub?refuse=ask", `${CLOSED} HubException: Client results inside OnConnectedAsync Hub methods are not allowed.`],
  ]) {
    const found = await endOf(t, transport, path);
    // By server-sent events the client's first ping, a POST, races with the end; .NET's own tests allow for it too.
    const isLate = transport === "ServerSentEvents" && found === "No Connection with that ID: Status code '404'";
    if (!isLate) equal(found, reason, `the error at ${path}`);
  }
}

// X1: the limit of a message, and that the client may come back.
export async function too_large_a_message(t, { transport }) {
  const connection = await connect(t, { transport });
  equal(await connection.invoke("LengthOf", "x".repeat(30_000)), 30_000, "the length");
  const closed = closing(connection);
  connection.invoke("LengthOf", "x".repeat(40_000)).catch(() => {});
  matches(await closed, /Connection closed with an error\. InvalidDataException: The maximum message size of 32768B was exceeded\./);
  matches(await t.ask("gone"), /maximum message size of 32768B/);
}

export async function large_messages(t, { transport }) {
  const connection = await connect(t, { transport, path: "/large" });
  const text = "é🌍x".repeat(250_000);
  ok((await connection.invoke("Echo", text)) === text, "1.7 MB came back changed");
  equal((await connection.invoke("MakeText", 3_000_000)).length, 3_000_000, "the length of what came");
  equal(await connection.invoke("LengthOf", "y".repeat(3_900_000)), 3_900_000, "the length of what went");
}

export async function silence_of_the_server(t, { transport }) {
  if (transport === "LongPolling") return; // a poll is an answer
  const connection = await connect(t, { transport });
  connection.serverTimeoutInMilliseconds = 1;
  const closed = closing(connection);
  connection.invoke("Echo", "").catch(() => {});
  equal(await closed, "Server timeout elapsed without receiving a message from the server.", "the error");
}

export async function headers_and_query(t, { transport }) {
  const isPage = typeof window !== "undefined";
  const mayCarry = !isPage || transport === "LongPolling";
  const headers = { "X-HEADER": "VALUE" };
  const connection = await connect(t, { transport, path: "/hub?color=blue", headers });
  equal(await connection.invoke("Query", "color"), "blue", "the query");
  equal(await connection.invoke("Query", "id"), null, "the token, which is nobody's business");
  equal(await connection.invoke("Header", "X-HEADER"), mayCarry ? "VALUE" : null, "the header");
  const agent = isPage ? "X-SignalR-User-Agent" : "User-Agent";
  const [name, library] = [await connection.invoke("Header", agent), "Microsoft SignalR/10.0"];
  if (mayCarry) ok(name.startsWith(library), `the user agent is ${name}`);
}

export async function cookies_of_the_negotiation_come_along(t, { transport }) {
  const connection = await connect(t, { transport });
  const { testCookie, testCookie2, expiredCookie } = await t.ask("cookies");
  equal([testCookie, testCookie2, expiredCookie ?? null], ["testValue", "testValue2", null], "the cookies");
  equal(await connection.invoke("Header", "Cookie"), null, "what hubs see of them");
}

const NEGOTIATION = "Failed to complete negotiation with the server: Error: ";

export async function negotiations_that_fail(t, { transport }) {
  const failure = async (path, options) => {
    const text = await fails(builderOf(t, { transport, path, ...options }).build().start(), /./);
    return text.replace(/ Either this is not a SignalR endpoint.*/s, "");
  };
  for (const code of [400, 401, 403, 500, 503]) matches(await failure(`/status/${code}`), new RegExp(`^${NEGOTIATION}.*'${code}'`));
  equal(await failure("/guarded"), `${NEGOTIATION}Unauthorized: Status code '401'`, "the error");
  matches(await failure("/status/404"), /^Failed to complete negotiation with the server: Error: .*Status code '404'/);
  matches(await failure("/no-such-hub"), /^Failed to complete negotiation with the server: Error: .*Status code '404'/);
  equal(await failure("/said/error"), "Not today.", "the error");
  matches(await failure("/said/old"), /ASP\.NET SignalR Server/);
  if (transport === "WebSockets") {
    const refused = builderOf(t, { transport, path: "/nowebsockets" }).build().start();
    matches(await fails(refused, /./), /^Unable to connect to the server with any of the available transports/);
  }
}

export async function with_a_token(t, { transport }) {
  let made = 0;
  const factory = async () => {
    made += 1;
    return "ann";
  };
  const connection = await connect(t, { transport, path: "/guarded", accessTokenFactory: factory });
  equal(await connection.invoke("Whoami"), "ann", "the user");
  equal(await connection.invoke("Echo", "你好"), "你好", "the answer");
  ok(made >= 1, "the factory was asked");
  const version1 = await connect(t, { transport, path: "/v1" });
  equal(await version1.invoke("Echo", 1), 1, "the answer");
}

// Section 2, "Send to": each audience reaches exactly whom it names.
export async function audiences(t, { transport }) {
  const names = ["a", "b", "c", "d"];
  const heard = {};
  const each = {};
  for (const name of names) {
    const user = name < "c" ? "left" : "right";
    heard[name] = [];
    const handlers = { told: (text) => heard[name].push(text) };
    each[name] = await connect(t, { transport, accessTokenFactory: () => user }, handlers);
    await each[name].invoke("Join", name < "d" ? "abc" : "d");
  }
  const id = (name) => each[name].connectionId;
  const wanted = { a: [], b: [], c: [], d: [] };
  let count = 0;
  const tell = async (audience, name, hearers) => {
    count += 1;
    const text = `${count}: ${audience}`;
    await each.a.invoke("Tell", audience, name, text);
    for (const hearer of hearers) wanted[hearer].push(text);
  };
  await tell("all", "", "abcd");
  await tell("all_except", [id("b"), id("c")], "ad");
  await tell("caller", "", "a");
  await tell("others", "", "bcd");
  await tell("client", id("c"), "c");
  await tell("clients", [id("b"), id("d"), "nobody"], "bd");
  await tell("group", "abc", "abc");
  await tell("groups", ["abc", "d"], "abcd");
  await tell("group_except", ["abc", id("a")], "bc");
  await tell("others_in_group", "abc", "bc");
  await tell("others_in_group", "d", "d");
  await tell("user", "right", "cd");
  await tell("users", ["left", "right", "nobody"], "abcd");
  await tell("group", "nobody is here", "");
  await each.b.invoke("Leave", "abc");
  await tell("group", "abc", "ac");
  await each.c.invoke("Echo", null);
  await each.c.stop(); // leaves its groups
  await tell("all", "", "abd");
  for (const name of ["a", "b", "d"]) await each[name].invoke("Echo", null); // all of it has come
  equal(heard, wanted, "who heard what");
}
