// Node ws: a set of clients for each group, and the loop of its documentation over it. A record is made once for all of
// them: a Buffer spares ws the encoding for each client.

import WebSocket, { WebSocketServer } from "ws";
import { port, ready, stream } from "./sources.mjs";

const END = "\x1e";
const groups = new Map();

function record(message) {
  return JSON.stringify(message) + END;
}

function publish(group, payload) {
  const event = Buffer.from(record({ type: 1, target: "Event", arguments: [payload] }));
  for (const client of groups.get(group) ?? []) {
    if (client.readyState === WebSocket.OPEN) client.send(event, { binary: false });
  }
}

function join(client, group) {
  if (!groups.has(group)) groups.set(group, new Set());
  groups.get(group).add(client);
  client.once("close", () => groups.get(group).delete(client));
}

/** Does what the record asks for; returns the result. */
function dispatch(client, { target, arguments: args }) {
  switch (target) {
    case "Echo":
      return args[0];
    case "Join":
      join(client, args[0]);
      return null;
    case "Publish":
      publish(...args);
      return null;
    case "Stream":
      stream(publish, ...args);
      return null;
  }
}

function receive(client, text) {
  for (const one of text.split(END)) {
    if (one === "") continue;
    const message = JSON.parse(one);
    if (message.protocol !== undefined) client.send(record({}));
    if (message.type !== 1) continue;
    const result = dispatch(client, message);
    if (message.invocationId !== undefined) {
      client.send(record({ type: 3, invocationId: message.invocationId, result }));
    }
  }
}

const server = new WebSocketServer({ host: "127.0.0.1", port: port(), path: "/bench", backlog: 4096 }, ready);
server.on("connection", (client) => {
  client.on("error", console.error);
  client.on("message", (data) => receive(client, data.toString()));
});
