// Node socket.io. From its documentation on performance: the native add-on bufferutil is installed, and the first
// request of a connection is let go, which the server does not need any more.

import { createServer } from "node:http";
import { Server } from "socket.io";
import { port, ready, stream } from "./sources.mjs";

const http = createServer();
const io = new Server(http);

io.engine.on("connection", (raw) => {
  raw.request = null;
});

io.on("connection", (socket) => {
  socket.on("Echo", (text, answer) => answer(text));
  socket.on("Join", (group, answer) => {
    socket.join(group);
    answer(null);
  });
  socket.on("Publish", (group, payload) => io.to(group).emit("Event", payload));
  socket.on("Stream", (streams, perSecond, seconds, characters, answer) => {
    answer(null);
    stream((group, text) => io.to(group).emit("Event", text), streams, perSecond, seconds, characters);
  });
});

http.listen({ host: "127.0.0.1", port: port(), backlog: 4096 }, ready);
