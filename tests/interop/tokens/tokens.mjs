// Tokens with the official client: where they go, what a refusal says, the warning, the end, and RefreshToken.

import { equal, fails, matches, ok, within } from "../lib/check.mjs";

function build(world, accessTokenFactory, reconnect = null) {
  const { HttpTransportType, HubConnectionBuilder, LogLevel } = world.signalR;
  const builder = new HubConnectionBuilder()
    .withUrl(`${world.url}/hub`, { accessTokenFactory, transport: HttpTransportType.WebSockets })
    .withHubProtocol(world.protocol())
    .configureLogging(LogLevel.None);
  const connection = (reconnect ? builder.withAutomaticReconnect(reconnect) : builder).build();
  world.tabs.push({ connection });
  return connection;
}

const heard = (connection, event) => new Promise((resolve) => connection.on(event, resolve));
const closed = (connection) => new Promise((resolve) => connection.onclose((error) => resolve(error ?? null)));

export async function a_token_lets_in(world) {
  const token = await world.ask("sign", "ann", 60_000);
  const connection = build(world, () => token);
  await connection.start();
  const opened = await connection.invoke("OpenSession", {});
  equal(opened.role, "owner", "the role");
  const { negotiate, upgrade } = await world.ask("arrived");
  equal(negotiate, "header", "how the negotiation brought the token");
  ok(["header", "query"].includes(upgrade), `the upgrade brought the token by ${upgrade}`);
}

export async function no_token_is_unauthorized(world) {
  for (const token of [undefined, "", "nonsense", await world.ask("sign", "ann", -60_000)]) {
    const text = await fails(build(world, () => token).start(), /Status code '401'/, "the start");
    equal(
      text,
      "Failed to complete negotiation with the server: Error: Unauthorized: Status code '401'",
      "the error of the start",
    );
  }
}

export async function a_start_after_a_refusal_asks_for_a_new_token(world) {
  let token = await world.ask("sign", "ann", -60_000);
  const connection = build(world, () => token);
  await fails(connection.start(), /Status code '401'/, "the first start");
  token = await world.ask("sign", "ann", 60_000);
  await connection.start();
}

export async function the_end_is_announced_and_comes(world) {
  const token = await world.ask("sign", "ann", 3000);
  const connection = build(world, () => token);
  const warning = heard(connection, "TokenExpiring");
  const end = closed(connection);
  await connection.start();
  const { expiresAt } = await within(warning, () => "the warning");
  ok(Number.isInteger(expiresAt) && Math.abs(expiresAt - Date.now()) < 10_000, `expiresAt is ${expiresAt}`);
  const error = await within(end, () => "the end");
  matches(error.message, /\[token_expired\] /, "the reason");
}

export async function it_reconnects_with_a_new_token(world) {
  let life = 3000;
  const connection = build(world, () => world.ask("sign", "ann", life), [0, 100, 1000]);
  const again = new Promise((resolve) => connection.onreconnected(resolve));
  await connection.start();
  life = 60_000;
  await within(again, () => "the reconnect");
  equal((await connection.invoke("OpenSession", {})).role, "owner", "the role");
}

export async function refresh_token_extends(world) {
  const first = await world.ask("sign", "ann", 3000);
  const connection = build(world, () => first);
  const warning = heard(connection, "TokenExpiring");
  let ended = false;
  connection.onclose(() => (ended = true));
  await connection.start();
  const { expiresAt } = await within(warning, () => "the warning");
  await fails(connection.invoke("RefreshToken", await world.ask("sign", "bob", 60_000)), /\[forbidden\] /, "another user");
  await fails(connection.invoke("RefreshToken", "nonsense"), /\[token_expired\] /, "no token");
  const answer = await connection.invoke("RefreshToken", await world.ask("sign", "ann", 60_000));
  ok(answer.expiresAt > expiresAt + 30_000, `it ends at ${answer.expiresAt}, before: ${expiresAt}`);
  await world.ask("after", expiresAt + 200);
  equal((await connection.invoke("OpenSession", {})).role, "owner", "the role");
  ok(!ended, "the connection ended");
}

export async function organisations_do_not_meet(world) {
  const [acme, other] = [await world.ask("sign", "ann", 60_000, "acme"), await world.ask("sign", "ann", 60_000, "other")];
  const [one, two] = [build(world, () => acme), build(world, () => other)];
  await one.start();
  await two.start();
  const { sessionId } = await one.invoke("OpenSession", { title: "ours" });
  await fails(two.invoke("OpenSession", { sessionId }), /\[(forbidden|session_not_found)\] /, "the other organisation");
  const listed = await two.invoke("ListSessions", {});
  ok(!JSON.stringify(listed).includes(sessionId), "the other organisation's list has it");
}
