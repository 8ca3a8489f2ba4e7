// Connections of the official client as they are, and promises for what they do.

import { within } from "./check.mjs";

export const KINDS = { WebSockets: 1, ServerSentEvents: 2, LongPolling: 4 };

// Of the hub at `url`/hub.
export function builderAt(t, url, options = {}) {
  return new t.signalR.HubConnectionBuilder()
    .withUrl(`${url}/hub`, options)
    .withHubProtocol(t.protocol())
    .configureLogging(t.signalR.LogLevel.None);
}

// Of a hub of the features' stage, by the transport of the test.
export function builderOf(t, { transport, path = "/hub", url = t.url, ...options } = {}) {
  return new t.signalR.HubConnectionBuilder()
    .withUrl(`${url}${path}`, { ...(transport && { transport: KINDS[transport] }), ...options })
    .withHubProtocol(t.protocol())
    .configureLogging(t.signalR.LogLevel.None);
}

// A connection that has started. `handlers`: by the names of the methods that the server calls.
export async function connect(t, options = {}, handlers = {}) {
  return started(t, builderOf(t, options).build(), handlers);
}

export async function started(t, connection, handlers = {}) {
  for (const [name, handler] of Object.entries(handlers)) connection.on(name, handler);
  t.connections.push(connection);
  await within(connection.start(), () => "the start");
  return connection;
}

// Resolves with the error that the connection is closed with; null if there is none.
export function closing(connection) {
  const end = new Promise((resolve) => connection.onclose((error) => resolve(error?.message ?? null)));
  const closed = within(end, () => "the end of the connection");
  closed.catch(() => {}); // a scenario that has failed awaits it no more
  return closed;
}

// All items of a stream, once it is complete.
export function collect(stream) {
  const items = [];
  const over = new Promise((resolve, reject) => {
    stream.subscribe({ next: (item) => items.push(item), complete: () => resolve(items), error: reject });
  });
  return within(over, () => `the end of a stream that has ${items.length} items`);
}

// What comes, in order, and a promise of the next that is waited for.
export class Received {
  #items = [];
  #waiting = [];

  push = (...items) => {
    const item = items.length > 1 ? items : items[0];
    if (this.#waiting.length > 0) this.#waiting.shift()(item);
    else this.#items.push(item);
  };

  next(what = "what was to come") {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    return within(new Promise((resolve) => this.#waiting.push(resolve)), () => what);
  }

  get isEmpty() {
    return this.#items.length === 0;
  }
}

export const transportOf = (connection) => connection.connection.transport.constructor.name;
