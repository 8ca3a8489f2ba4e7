// The Vercel AI SDK's stream path: streamText from a model that gives a plan's deltas, as a UI message stream over
// Node's own HTTP server. A run is asked for by POST with its plan, as in `tests/bench/source.py`; /alone/... asks the
// same of the model and sends nothing: what the source itself costs.

import { once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { pipeUIMessageStreamToResponse, streamText, toUIMessageStream } from "ai";
import { port } from "./sources.mjs";

const WORDS = "and then some words";

/** Seconds on the clock that all processes of the machine share. */
const now = () => Number(process.hrtime.bigint()) / 1e9;

async function* texts(plan) {
  const begin = plan.start_at || now();
  for (let number = 0; number < plan.deltas; number++) {
    const due = begin + number / plan.per_second;
    const wait = (due - now()) * 1000;
    if (wait > 0) await setTimeout(wait);
    yield `<${due.toFixed(6)} ${now().toFixed(6)}>${WORDS}`;
  }
}

async function* parts(plan) {
  yield { type: "stream-start", warnings: [] };
  yield { type: "text-start", id: "0" };
  for await (const delta of texts(plan)) yield { type: "text-delta", id: "0", delta };
  yield { type: "text-end", id: "0" };
  yield {
    type: "finish",
    finishReason: { unified: "stop", raw: "stop" },
    usage: {
      inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: plan.deltas, text: plan.deltas, reasoning: undefined },
    },
  };
}

function model(plan) {
  return {
    specificationVersion: "v4",
    provider: "source",
    modelId: "source-1",
    supportedUrls: {},
    doGenerate() {
      throw new Error("it streams only");
    },
    async doStream() {
      const source = parts(plan);
      const stream = new ReadableStream({
        async pull(controller) {
          const { done, value } = await source.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
      });
      return { stream };
    },
  };
}

const server = createServer(async (request, response) => {
  const plan = await json(request);
  if (request.url.startsWith("/alone/")) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for await (const _ of texts(plan));
    response.end("data: [DONE]\n\n");
    return;
  }
  const result = streamText({ model: model(plan), prompt: "Go." });
  pipeUIMessageStreamToResponse({ response, stream: toUIMessageStream({ stream: result.stream }) });
});
server.listen(port(), "127.0.0.1");
await once(server, "listening");
console.log(`http://127.0.0.1:${server.address().port}`);
