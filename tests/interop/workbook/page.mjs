// A page with a workbook, as a process that a test may kill. Called with one JSON: {url, sessionId, name, hostKey,
// holds (calls wait for a line on stdin), delivers ([call ids] whose result it has from before it was reloaded)}.
// Says on stdout, in JSON lines: registered, executing, answered, delivered.

import { createInterface } from "node:readline";
import * as signalR from "@microsoft/signalr";
import { Workbook, host } from "./workbook.mjs";

const wanted = JSON.parse(process.argv[2]);
const say = (kind, more) => process.stdout.write(`${JSON.stringify({ kind, ...more })}\n`);

const workbook = new Workbook();
const held = [];
createInterface({ input: process.stdin })
  .on("line", () => held.splice(0).forEach((go) => go()))
  .on("close", () => process.exit(0));

const connection = new signalR.HubConnectionBuilder()
  .withUrl(`${wanted.url}/hub`)
  .withAutomaticReconnect(Array(100).fill(100))
  .configureLogging(signalR.LogLevel.None)
  .build();
await connection.start();

const registered = await host(connection, wanted.sessionId, workbook, {
  name: wanted.name ?? "Budget.xlsx",
  hostKey: wanted.hostKey,
  told: (call) => say("executing", { callId: call.callId, name: call.name }),
  ended: (call, accepted, error) => say("answered", { callId: call.callId, accepted, error }),
  work: async (call) => {
    if (wanted.holds) await new Promise((go) => held.push(go));
    return workbook.execute(call.name, call.arguments);
  },
});
say("registered", registered);
for (const callId of wanted.delivers ?? []) {
  const { accepted } = await connection.invoke("ToolResult", wanted.sessionId, callId, { result: "from before" });
  say("delivered", { callId, accepted });
}
