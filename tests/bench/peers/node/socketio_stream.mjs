// The same deltas as socket.io events, one event for each, over a WebSocket: what the client's socket reads.
// Reads a JSON list of deltas on stdin; prints a JSON list of {bytes, characters, what}.

import { randomUUID } from "node:crypto";
import { on, once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { Server } from "socket.io";
import WebSocket from "ws";

const deltas = await json(process.stdin);
const http = createServer();
const io = new Server(http);
http.listen(0, "127.0.0.1");
await once(http, "listening");

const client = new WebSocket(`ws://127.0.0.1:${http.address().port}/socket.io/?EIO=4&transport=websocket`, {
  perMessageDeflate: false,
});
// Listening from the start: the server's first message may come with its answer to the upgrade.
const messages = on(client, "message");
const next = async () => (await messages.next()).value[0].toString();
const upgraded = once(client, "upgrade");
const joined = once(io, "connection");
const [response] = await upgraded;
await next();
client.send("40");
const [socket] = await joined;
await next();

const before = response.socket.bytesRead;
const [runId, messageId] = [randomUUID(), randomUUID()];
for (const delta of deltas) socket.emit("event", { type: "text", runId, messageId, part: 0, delta });
const arrived = [];
for (const _ of deltas) arrived.push(JSON.parse((await next()).slice(2))[1].delta);
const bytes = response.socket.bytesRead - before;
if (arrived.join("") !== deltas.join("")) throw new Error("the events do not carry the deltas");
console.log(
  JSON.stringify([{ bytes, characters: [...deltas.join("")].length, what: "socket.io events, WebSocket frames" }]),
);
client.terminate();
io.close();
