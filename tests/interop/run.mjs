// Runs scenarios in Node with the official client. Speaks JSON lines with pytest:
//   in   {"run": {module, scenario, encoding, url, options}}     out  {"result": {ok, error?, value?}}
//   out  {"ask": number, "method", "args"}                       in   {"answer": number, "value"} or {…, "error"}

import { createInterface } from "node:readline";
import * as signalR from "@microsoft/signalr";
import * as messagePack from "@microsoft/signalr-protocol-msgpack";
import { World } from "./lib/world.mjs";

const asked = new Map();
let count = 0;

function write(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function ask(method, args) {
  count += 1;
  write({ ask: count, method, args });
  return new Promise((resolve, reject) => asked.set(count, { resolve, reject }));
}

async function run({ module, scenario, encoding, url, seed, options }) {
  const world = new World({ signalR, messagePack, url, encoding, ask, seed });
  const scenarios = await import(new URL(module, import.meta.url));
  try {
    return (await scenarios[scenario](world, options)) ?? null;
  } finally {
    await world.close();
  }
}

// What a scenario that has failed leaves behind must not fail the next one.
process.on("unhandledRejection", (reason) => process.stderr.write(`nobody awaits: ${reason?.stack ?? reason}\n`));

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.run) {
    run(message.run).then(
      (value) => write({ result: { ok: true, value } }),
      (error) => write({ result: { ok: false, error: error?.stack ?? String(error) } }),
    );
  } else {
    const { resolve, reject } = asked.get(message.answer);
    asked.delete(message.answer);
    if (message.error !== undefined) reject(new Error(`the stage: ${message.error}`));
    else resolve(message.value);
  }
}
process.exit(0); // pytest has closed our input
