/**
 * The hub's HTTP API as a `Wire`, for networks that let no SignalR connection through (design, section 3.5).
 *
 * What the page needs to read, ask, stop and approve; other methods are refused with a sentence. A request that finds
 * no network is a lost connection.
 */

import type { Observer, Wire } from "./connection";
import { LOST, problemOf } from "./errors";
import { EventLines } from "./event_lines";
import type { Timers } from "./timers";

/** What is used of `fetch`. */
export type Fetch = (address: string, options: RequestInit) => Promise<Response>;

/** How often the list of chats is asked for: the API tells no changes. */
const LIST_MS = 5000;
const LIST_ROWS = 30;

interface Row {
  sessionId: string;
  updatedAt: number;
}
interface Run {
  runId: string;
  state?: string;
}
type Fields = Record<string, unknown>;

interface Call {
  verb: "GET" | "POST" | "DELETE";
  path: string;
  body?: unknown;
}

/** The request of a method of the hub; null if the API has none. */
function requestOf(method: string, args: unknown[]): Call | null {
  const [first, second, third] = args;
  const session = `/${encodeURIComponent(String(first))}`;
  switch (method) {
    case "OpenSession":
      return { verb: "POST", path: "", body: first };
    case "ListSessions":
      return { verb: "GET", path: `?${new URLSearchParams(Object.entries(first as Fields).map(([name, value]) => [name, String(value)]))}` };
    case "SendMessage":
      return { verb: "POST", path: `${session}/messages`, body: { ...(second as Fields), ...(third as Fields | undefined) } };
    case "Regenerate":
      return { verb: "POST", path: `${session}/regenerate`, body: second };
    case "Stop":
      return { verb: "POST", path: `${session}/stop`, body: second ?? {} };
    case "ResolveApproval":
      return { verb: "POST", path: `${session}/approvals/${encodeURIComponent(String(second))}`, body: third };
    case "DeleteSession":
      return { verb: "DELETE", path: session };
    default:
      return null;
  }
}

export class HttpWire implements Wire {
  private life: AbortController | null = null; // while it is open
  private readonly streams = new Set<Observer<never>>();
  private closed: (error?: Error) => void = () => undefined;

  constructor(
    private readonly base: string,
    private readonly token: () => string,
    private readonly timers: Timers,
    private readonly fetch: Fetch = (address, options) => globalThis.fetch(address, options),
  ) {}

  async start(): Promise<void> {
    const life = new AbortController();
    const response = await this.fetch(`${this.base}/sessions?limit=1`, { headers: this.headers(), signal: life.signal });
    if (!response.ok) throw new Error(`Status code '${response.status}'`);
    await response.text();
    this.life = life;
  }

  async stop(): Promise<void> {
    this.lose();
  }

  onclose(callback: (error?: Error) => void): void {
    this.closed = callback;
  }

  async invoke<T>(method: string, ...args: unknown[]): Promise<T> {
    const call = requestOf(method, args);
    if (call === null) throw new Error("[unavailable] This does not work while the connection is plain HTTP.");
    const response = await this.ask(call);
    const answer: unknown = await response.json();
    if (method !== "SendMessage" && method !== "Regenerate") return answer as T;
    const run = answer as Run; // or the finished answer, where it was asked before
    const messageId = (args[1] as Fields)["messageId"];
    return { runId: run.runId, messageId, epoch: "", offset: 0, state: run.state === "queued" ? "queued" : "started" } as T;
  }

  stream<T>(method: string, ...args: unknown[]): { subscribe(observer: Observer<T>): { dispose(): void } } {
    return {
      subscribe: (observer) => {
        const end = new AbortController();
        this.streams.add(observer);
        const dispose = () => {
          this.streams.delete(observer);
          end.abort();
        };
        this.life?.signal.addEventListener("abort", () => end.abort());
        const reading = method === "Watch" ? this.watch(args, observer, end.signal) : this.list(observer as Observer<unknown>, end.signal);
        void reading.catch((error: unknown) => {
          if (this.streams.delete(observer)) observer.error(error);
        });
        return { dispose };
      },
    };
  }

  private async watch<T>([sessionId, position]: unknown[], observer: Observer<T>, signal: AbortSignal): Promise<void> {
    const { epoch, offset } = (position ?? {}) as { epoch?: string; offset?: number };
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (epoch !== undefined) headers["Last-Event-ID"] = `${epoch}:${offset}`;
    const response = await this.ask({ verb: "GET", path: `/${encodeURIComponent(String(sessionId))}/events` }, headers, signal);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const lines = new EventLines((data) => {
      if (!signal.aborted) observer.next(JSON.parse(data) as T);
    });
    for (;;) {
      const piece = await reader?.read().catch(() => this.gone(signal));
      if (!piece || piece.done) break;
      lines.push(piece.value);
    }
    // Whether the session is gone or only this stream is told to whoever asks again.
    throw new Error("[unavailable] The stream ended.");
  }

  private async list(observer: Observer<unknown>, signal: AbortSignal): Promise<void> {
    let known = new Map<string, number>();
    for (;;) {
      await new Promise<void>((resolve) => this.timers.after(LIST_MS, resolve));
      if (signal.aborted) return;
      const response = await this.ask({ verb: "GET", path: `?limit=${LIST_ROWS}` }, {}, signal);
      const { sessions } = (await response.json()) as { sessions: Row[] };
      const found = new Map(sessions.map((row) => [row.sessionId, row.updatedAt]));
      const oldest = sessions.length < LIST_ROWS ? 0 : (sessions.at(-1)?.updatedAt ?? 0);
      for (const [sessionId, updatedAt] of known) {
        if (updatedAt > oldest && !found.has(sessionId)) observer.next({ sessionId, deleted: true });
      }
      for (const row of sessions) {
        if (known.get(row.sessionId) !== row.updatedAt) observer.next(row);
      }
      known = found;
    }
  }

  private async ask({ verb, path, body }: Call, more: Record<string, string> = {}, signal = this.life?.signal): Promise<Response> {
    if (this.life === null || signal === undefined) throw new Error(LOST);
    const headers: Record<string, string> = { ...this.headers(), Prefer: "respond-async", ...more };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const text = body === undefined ? null : JSON.stringify(body);
    const response = await this.fetch(`${this.base}/sessions${path}`, { method: verb, headers, body: text, signal, cache: "no-store" }).catch(() =>
      this.gone(signal),
    );
    if (!response.ok) throw problemOf(response.status, await response.text().catch(() => ""), response.headers.get("Retry-After"));
    return response;
  }

  private headers(): Record<string, string> {
    const token = this.token();
    return token === "" ? {} : { Authorization: `Bearer ${token}` };
  }

  /** There is no network any more, unless we broke off ourselves. */
  private gone(signal: AbortSignal): never {
    if (!signal.aborted) this.lose();
    throw new Error(LOST);
  }

  private lose(): void {
    if (this.life === null) return;
    const { life, streams } = this;
    this.life = null;
    const error = new Error(LOST);
    for (const observer of [...streams]) if (streams.delete(observer)) observer.error(error);
    life.abort();
    this.closed(error);
  }
}
