// One end of socket.io's Redis adapter: node socketio_redis.mjs publish|receive URL COUNT BATCH, as nodes/ends.py has it.

import { createInterface } from "node:readline";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const GROUPS = 16;
const [role, url, count, batch] = process.argv.slice(2);
const out = createClient({ url });
const sub = out.duplicate();
await Promise.all([out.connect(), sub.connect()]);
const io = new Server();
io.adapter(createAdapter(out, sub));
const spaces = io.of("/");
const payload = "x".repeat(100);

function spent(since) {
  const { user, system } = process.cpuUsage(since);
  return ((user + system) / 1e6).toFixed(6);
}

if (role === "receive") {
  // A member in each group, so that nothing is dropped unread; it has no socket behind it.
  for (let group = 0; group < GROUPS; group++) spaces.adapter.addAll(`member${group}`, new Set([`group${group}`]));
  await sub.ping();
  const begin = process.cpuUsage();
  console.log("ready");
  createInterface({ input: process.stdin }).once("line", () => {
    console.log(spent(begin));
    process.exit(0);
  });
} else {
  await out.ping();
  const begin = process.cpuUsage();
  for (let sent = 0; sent < count; sent += Number(batch)) {
    for (let number = 0; number < batch; number++) io.to(`group${(sent + number) % GROUPS}`).emit("Event", payload);
    await new Promise(setImmediate);
  }
  await out.ping();
  console.log(spent(begin));
  process.exit(0);
}
