// What only a page can show: workers, origins, and a browser without WebSockets.

import { equal, fails, matches, within } from "../lib/check.mjs";
import { connect, Received, transportOf } from "../lib/connections.mjs";

const WORKER = `
  let connection = null;
  onmessage = async ({ data }) => {
    if (connection !== null) return connection.invoke("invokeWithString", data);
    importScripts(data + "/packages/signalr/dist/webworker/signalr.js");
    connection = new signalR.HubConnectionBuilder().withUrl(data + "/hub").build();
    connection.on("message", (message) => postMessage("received " + message));
    await connection.start();
    postMessage("connected");
  };`;

export async function in_a_worker(t) {
  const source = URL.createObjectURL(new Blob([WORKER], { type: "application/javascript" }));
  const worker = new Worker(source);
  const messages = new Received();
  worker.onmessage = ({ data }) => messages.push(data);
  worker.onerror = (error) => messages.push(error.message);
  worker.postMessage(t.url);
  equal(await messages.next("the worker"), "connected", "the worker's first word");
  worker.postMessage("Hello 世界");
  equal(await messages.next("the worker"), "received Hello 世界", "its second");
  worker.terminate();
  URL.revokeObjectURL(source);
}

// The page's origin is one that the hub's `allowed_origins` lists; cookies and headers need the preflight's consent.
export async function from_another_origin(t, { transport }) {
  const [http, , elsewhere] = await t.ask("addresses");
  equal(t.url, http, "the page's address");
  document.cookie = "mine=1; path=/";
  const headers = { "X-HEADER": "VALUE" };
  const connection = await connect(t, { transport, url: elsewhere, headers, accessTokenFactory: () => "ann" });
  const { mine } = await t.ask("cookies");
  equal(mine ?? null, "1", "the page's cookie");
  equal((await connection.invoke("Whoami"))[1], "ann", "the user");
  equal(await connection.invoke("Header", "Origin"), http, "the origin");
  equal(await connection.invoke("Header", "X-HEADER"), transport === "LongPolling" ? "VALUE" : null, "the header");
  await connection.stop();
  if (transport === "WebSockets") return; // they always carry cookies
  const bare = await connect(t, { transport, url: elsewhere, withCredentials: false });
  equal(await bare.invoke("Echo", 1), 1, "the answer");
  equal((await t.ask("cookies")).mine ?? null, null, "the page's cookie");
}

// Only the first origin is listed: a page of another one is refused by the hub, and its script sees nothing of it.
export async function from_a_foreign_origin(t, { transport }) {
  const [http] = await t.ask("addresses");
  const text = await fails(connect(t, { transport, url: http }), /./);
  matches(text, /Failed to complete negotiation with the server/);
}

export async function without_websockets(t) {
  const { WebSocket } = window;
  window.WebSocket = class {
    constructor() {
      throw new Error("There are none here.");
    }
  };
  try {
    const connection = await connect(t);
    const expected = t.encoding === "json" ? "ServerSentEventsTransport" : "LongPollingTransport";
    equal(transportOf(connection), expected, "the transport");
    equal(await within(connection.invoke("Echo", 1), () => "the answer"), 1, "the answer");
  } finally {
    window.WebSocket = WebSocket;
  }
}
