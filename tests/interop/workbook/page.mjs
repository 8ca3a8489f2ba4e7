// A page with a workbook, as a process that a test may kill. Called with one JSON: {url, sessionId, name, hostKey,
// holds (calls wait for a line on stdin), delivers ([call ids] whose result it has from before it was reloaded), cells
// ({"Sheet1!B2": 5}: what is in the workbook)}. Says on stdout, in JSON lines: registered, executing, answered,
// delivered, and after a line "show" on stdin: shows.

import { createInterface } from "node:readline";
import * as signalR from "@microsoft/signalr";
import { Workbook, host } from "./workbook.mjs";

const wanted = JSON.parse(process.argv[2]);
const say = (kind, more) => process.stdout.write(`${JSON.stringify({ kind, ...more })}\n`);

const workbook = new Workbook();
workbook.cells = new Map(Object.entries(wanted.cells ?? {}));
const show = () =>
  say("shows", {
    cells: Object.fromEntries(workbook.cells),
    values: Object.fromEntries([...workbook.cells.keys()].map((cell) => [cell, workbook.value(cell)])),
    formats: Object.fromEntries(workbook.formats),
    charts: workbook.charts,
  });
const held = [];
createInterface({ input: process.stdin })
  .on("line", (line) => (line === "show" ? show() : held.splice(0).forEach((go) => go())))
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
