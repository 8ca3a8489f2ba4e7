// What a scenario gets: connections of the official client, unique ids, and the stage (the server's side of the test).

import { Fold } from "./fold.mjs";
import { within } from "./check.mjs";

export class World {
  // `ask(method, ...args)` asks the stage; `signalR` and `messagePack` are the official packages as they are.
  constructor({ signalR, messagePack, url, encoding, ask, seed = 1 }) {
    this.signalR = signalR;
    this.encoding = encoding;
    this.url = url;
    this.ask = (method, ...args) => within(ask(method, args), () => `the stage's ${method}(${JSON.stringify(args)})`);
    this.random = randomOf(seed);
    this.tabs = [];
    this.connections = []; // further ones that are to be stopped at the end
    this.messagePack = messagePack;
    this.prefix = `${encoding}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
    this.count = 0;
  }

  id(kind = "id") {
    this.count += 1;
    return `${kind}-${this.prefix}-${this.count}`;
  }

  protocol() {
    return this.encoding === "json" ? new this.signalR.JsonHubProtocol() : new this.messagePack.MessagePackHubProtocol();
  }

  build({ url = this.url, reconnect = null } = {}) {
    const builder = new this.signalR.HubConnectionBuilder()
      .withUrl(`${url}/hub`)
      .withHubProtocol(this.protocol())
      .configureLogging(this.signalR.LogLevel.None);
    return new Tab((reconnect ? builder.withAutomaticReconnect(reconnect) : builder).build());
  }

  async connect(options = {}) {
    const tab = this.build(options);
    this.tabs.push(tab);
    await within(tab.connection.start(), () => "the connection's start");
    return tab;
  }

  async close() {
    await Promise.all([...this.tabs.map((tab) => tab.connection), ...this.connections].map((each) => each.stop()));
  }

  // A connected tab in a new session that it watches.
  async session(settings = {}) {
    const tab = await this.connect();
    const { sessionId } = await tab.invoke("OpenSession", settings);
    const watch = await tab.watch(sessionId);
    return { tab, sessionId, watch };
  }
}

export class Tab {
  constructor(connection) {
    this.connection = connection;
    this.closed = new Promise((resolve) => connection.onclose((error) => resolve(error ?? null)));
  }

  invoke(method, ...args) {
    return within(this.connection.invoke(method, ...args), () => `the answer of ${method}`);
  }

  stream(method, args, fold = new Fold()) {
    return new Following(this.connection.stream(method, ...args), fold);
  }

  // Resolves once the first event is there (from null: the snapshot).
  async watch(sessionId, position = null) {
    const watch = this.follow(sessionId, position);
    if (position === null) await watch.until(() => watch.fold.snapshots > 0, "the snapshot");
    return watch;
  }

  // Watch from a position with what was folded up to there; `base` is that fold.
  follow(sessionId, position = null, base = null) {
    return this.stream("Watch", [sessionId, position], new Fold({ position, base }));
  }

  chat(sessionId, message, options) {
    const args = options === undefined ? [sessionId, message] : [sessionId, message, options];
    return this.stream("Chat", args, new Fold({ position: { epoch: null, offset: -1 }, holes: true }));
  }

  send(sessionId, messageId, content, options) {
    return this.invoke("SendMessage", sessionId, { messageId, content }, options);
  }
}

// A stream of events and what they fold to.
export class Following {
  constructor(stream, fold) {
    this.events = [];
    this.fold = fold;
    this.error = null;
    this.isOver = false;
    this.waiting = new Set();
    this.subscription = stream.subscribe({
      next: (event) => this.#next(event),
      error: (error) => this.#end(error),
      complete: () => this.#end(null),
    });
  }

  dispose() {
    this.subscription.dispose();
  }

  #next(event) {
    this.events.push(event);
    if (this.error === null) {
      try {
        this.fold?.apply(event);
      } catch (error) {
        this.error = error;
      }
    }
    this.#wake();
  }

  #end(error) {
    this.error ??= error;
    this.isOver = true;
    this.#wake();
  }

  #wake() {
    for (const look of [...this.waiting]) look();
  }

  // Waits until `condition()`, which is looked at after each event and at the end.
  until(condition, what, ms) {
    let look;
    const happened = new Promise((resolve, reject) => {
      look = () => {
        if (condition()) resolve();
        else if (this.error !== null) reject(this.error);
        else if (this.isOver) reject(new Error(`the stream ended before ${what}`));
      };
      this.waiting.add(look);
      look();
    }).finally(() => this.waiting.delete(look));
    const seen = () => `${what}; events so far: ${this.events.slice(-8).map((event) => JSON.stringify(event).slice(0, 200))}`;
    return within(happened, seen, ms);
  }

  of(type, runId) {
    return this.events.filter((event) => event.type === type && (runId === undefined || event.runId === runId));
  }

  async done(runId) {
    await this.until(() => this.fold.isDone(runId), `the done of ${runId}`);
    return this.of("done", runId)[0];
  }

  // Resolves when the stream has completed; rejects with its error if it ended with one.
  async over() {
    await this.until(() => this.isOver, "the stream's end");
    if (this.error !== null) throw this.error;
  }

  // Waits until an answer holds this text.
  said(text) {
    const holds = ({ role, parts }) => role === "assistant" && parts.some((part) => part.text?.includes(text));
    return this.until(
      () => [...this.fold.messages.values()].some(holds),
      `the text ${JSON.stringify(text)}`,
    );
  }
}

// A small deterministic generator (mulberry32), so that what is random can be had again by its seed.
export function randomOf(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}
