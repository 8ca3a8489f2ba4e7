// The Vercel AI SDK's UI message stream, as its documentation has it: streamText, toUIMessageStream and
// pipeUIMessageStreamToResponse. Deltas come from its own test model instead of a provider.
// Reads a JSON list of deltas on stdin; prints a JSON list of {bytes, characters, what}.

import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { buffer, json } from "node:stream/consumers";
import { pipeUIMessageStreamToResponse, simulateReadableStream, streamText, toUIMessageStream } from "ai";
import { MockLanguageModelV4 } from "ai/test";

const deltas = await json(process.stdin);

const model = new MockLanguageModelV4({
  doStream: async () => ({
    stream: simulateReadableStream({
      initialDelayInMs: null,
      chunkDelayInMs: null,
      chunks: [
        { type: "text-start", id: "0" },
        ...deltas.map((delta) => ({ type: "text-delta", id: "0", delta })),
        { type: "text-end", id: "0" },
        {
          type: "finish",
          finishReason: { unified: "stop", raw: "stop" },
          usage: {
            inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
            outputTokens: { total: deltas.length, text: deltas.length, reasoning: undefined },
          },
        },
      ],
    }),
  }),
});

const server = createServer((request, response) => {
  // The SDK asks to keep the connection alive; its end is the end of the answer here.
  response.once("finish", () => request.socket.end());
  const result = streamText({ model, prompt: "Go." });
  pipeUIMessageStreamToResponse({ response, stream: toUIMessageStream({ stream: result.stream }) });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

const socket = connect(server.address().port, "127.0.0.1");
socket.write("GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
const answer = await buffer(socket);
server.close();

const framed = answer.subarray(answer.indexOf("\r\n\r\n") + 4);
const chunks = [];
for (let at = 0; ; ) {
  const line = framed.indexOf("\r\n", at);
  const size = Number.parseInt(framed.toString("latin1", at, line), 16);
  if (size === 0) break;
  chunks.push(framed.subarray(line + 2, line + 2 + size));
  at = line + 2 + size + 2;
}
const body = Buffer.concat(chunks);

const arrived = body
  .toString()
  .split("\n\n")
  .filter((event) => event.startsWith("data: {"))
  .map((event) => JSON.parse(event.slice(6)))
  .filter((part) => part.type === "text-delta")
  .map((part) => part.delta);
if (arrived.join("") !== deltas.join("")) throw new Error("the stream does not carry the deltas");

const characters = [...deltas.join("")].length;
console.log(
  JSON.stringify([
    { bytes: body.length, characters, what: "Vercel AI SDK UI message stream, body" },
    { bytes: framed.length, characters, what: "Vercel AI SDK UI message stream, with HTTP's chunk framing" },
  ]),
);
