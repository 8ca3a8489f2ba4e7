/**
 * The one connection of this page, kept up for ever: connect, notice the loss, try again with growing, jittered pauses.
 *
 * What runs over it (`follow`) survives the loss: it is asked again from where it was.
 */

import { callFailure, connectFailure } from "./errors";
import { Listeners, retryDelayMs, type Timers } from "./timers";

export interface Observer<T> {
  next(item: T): void;
  error(error: unknown): void;
  complete(): void;
}

/** What is used of SignalR's `HubConnection`. */
export interface Wire {
  start(): Promise<void>;
  stop(): Promise<void>;
  invoke<T>(method: string, ...args: unknown[]): Promise<T>;
  stream<T>(method: string, ...args: unknown[]): { subscribe(observer: Observer<T>): { dispose(): void } };
  onclose(callback: (error?: Error) => void): void;
  /** Calls when the hub invokes that method of this page; left out where the hub cannot. */
  on?(method: string, callback: (...args: unknown[]) => void): void;
  /** What others know this connection by. */
  readonly connectionId?: string | null;
  /** What is to be known about the way it goes; null if nothing is. */
  readonly note?: string | null;
}

export type LinkState = "connecting" | "online" | "reconnecting" | "offline";
export interface Link {
  state: LinkState;
  /** Why it is not online, in a sentence; while it is: what is to be known about it. */
  reason: string | null;
  /** Nothing more happens by itself; `retryNow` tries again. */
  final: boolean;
  /** The hub asks for a token; where there was one, it is not valid any more. */
  signIn?: true;
}

/** After so many failed attempts "reconnecting" is called what it is. */
const ATTEMPTS_UNTIL_OFFLINE = 3;
const PROBE_MS = 3000;

export class Connection {
  link: Link = { state: "connecting", reason: null, final: false };
  private readonly listeners = new Listeners();
  private attempt = 0;
  private wasOnline = false;
  private stopped = true;
  private starting = false;
  private cancelRetry: (() => void) | null = null;

  constructor(
    private readonly wire: Wire,
    private readonly timers: Timers,
  ) {
    wire.onclose(() => this.closed());
  }

  get online(): boolean {
    return this.link.state === "online";
  }

  readonly subscribe = this.listeners.add;

  start(): void {
    this.stopped = false;
    void this.connect();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelRetry?.();
    await this.wire.stop();
  }

  /** Skips the pause before the next attempt. */
  readonly retryNow = (): void => {
    if (this.stopped || this.online || this.starting) return;
    this.attempt = 0;
    void this.connect();
  };

  /** The browser says that the network changed: find out now, and not when the keep-alive runs out. */
  probe(method: string, ...args: unknown[]): void {
    if (!this.online) return this.retryNow();
    const cancel = this.timers.after(PROBE_MS, () => void this.wire.stop());
    this.wire.invoke(method, ...args).then(cancel, cancel); // an error is an answer, too
  }

  invoke<T>(method: string, ...args: unknown[]): Promise<T> {
    return this.wire.invoke<T>(method, ...args);
  }

  stream<T>(method: string, args: unknown[], observer: Observer<T>): () => void {
    const subscription = this.wire.stream<T>(method, ...args).subscribe(observer);
    return () => subscription.dispose();
  }

  /** Runs after `ms` unless cancelled. */
  later(ms: number, run: () => void): () => void {
    return this.timers.after(ms, run);
  }

  retryDelayMs(attempt: number): number {
    return retryDelayMs(attempt, this.timers.random());
  }

  private async connect(): Promise<void> {
    this.cancelRetry?.();
    this.cancelRetry = null;
    if (this.starting) return;
    this.starting = true;
    if (this.link.final || !this.wasOnline) this.show("connecting", this.link.final ? null : this.link.reason);
    try {
      await this.wire.start();
    } catch (error) {
      this.starting = false;
      return this.failed(error);
    }
    this.starting = false;
    this.attempt = 0;
    this.wasOnline = true;
    this.show("online", this.wire.note ?? null);
  }

  private failed(error: unknown): void {
    if (this.stopped) return;
    const { text, final, signIn } = connectFailure(error);
    this.attempt += 1;
    if (final) return this.show("offline", text, true, signIn);
    const gone = this.attempt >= ATTEMPTS_UNTIL_OFFLINE;
    this.show(gone ? "offline" : this.wasOnline ? "reconnecting" : "connecting", text);
    this.schedule();
  }

  private closed(): void {
    if (this.stopped || this.starting) return;
    this.show("reconnecting", null);
    this.schedule();
  }

  private schedule(): void {
    this.cancelRetry?.();
    this.cancelRetry = this.timers.after(this.retryDelayMs(this.attempt), () => void this.connect());
  }

  private show(state: LinkState, reason: string | null, final = false, signIn?: true): void {
    this.link = { state, reason, final, ...(signIn && { signIn }) };
    this.listeners.call();
  }
}

/** Errors of a stream after which asking again is pointless. */
const TERMINAL = new Set(["session_not_found", "forbidden", "invalid_arguments", "token_expired"]);

export interface Followed<T> {
  /** The call, asked anew each time, so that it can name the position reached. */
  call(): [method: string, ...args: unknown[]];
  /** False: what came does not fit; ask again. */
  next(item: T): boolean;
  /** It ended for good: null when the hub ended it without an error. */
  ended(reason: string | null, code: string | null): void;
}

/** Keeps a stream open across lost connections and passing errors. The returned function ends it. */
export function follow<T>(connection: Connection, followed: Followed<T>): () => void {
  let over = false;
  let dispose: (() => void) | null = null;
  let cancelRetry: (() => void) | null = null;
  let attempt = 0;

  const drop = () => {
    const end = dispose;
    dispose = null;
    end?.();
  };
  const finish = (reason: string | null, code: string | null) => {
    stop();
    followed.ended(reason, code);
  };
  const again = () => {
    drop();
    cancelRetry?.();
    // The first time at once, then with growing pauses until something fits.
    const ms = attempt === 0 ? 0 : connection.retryDelayMs(attempt);
    attempt += 1;
    cancelRetry = connection.later(ms, open);
  };
  const open = () => {
    cancelRetry = null;
    if (over || dispose !== null || !connection.online) return;
    const [method, ...args] = followed.call();
    let mine = true; // until this very subscription is over
    const cancel = connection.stream<T>(method, args, {
      next(item) {
        if (!mine || over) return;
        if (followed.next(item)) attempt = 0;
        else again();
      },
      error(error) {
        if (!mine || over) return;
        mine = false;
        dispose = null;
        const failure = callFailure(error);
        if (failure.code !== null && TERMINAL.has(failure.code)) finish(failure.text, failure.code);
        else if (!failure.lost) again();
      },
      complete() {
        if (!mine || over) return;
        mine = false;
        dispose = null;
        finish(null, null);
      },
    });
    dispose = () => {
      mine = false;
      cancel();
    };
  };
  const stopListening = connection.subscribe(() => {
    if (connection.online) {
      if (cancelRetry === null) open();
    } else {
      drop(); // a new connection does not know the old one's streams
    }
  });
  const stop = () => {
    over = true;
    stopListening();
    cancelRetry?.();
    drop();
  };
  open();
  return stop;
}
