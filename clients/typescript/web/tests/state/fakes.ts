import type { Observer, Wire } from "../../src/state/connection";
import type { Timers } from "../../src/state/timers";

/** Time that passes when told to. */
export class ManualTimers implements Timers {
  now = 0;
  private waiting: { at: number; run: () => void }[] = [];

  after(ms: number, run: () => void): () => void {
    const entry = { at: this.now + ms, run };
    this.waiting.push(entry);
    return () => void (this.waiting = this.waiting.filter((other) => other !== entry));
  }

  random(): number {
    return 0.5;
  }

  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    await settled();
    for (;;) {
      const next = this.waiting.filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.waiting = this.waiting.filter((entry) => entry !== next);
      this.now = next.at;
      next.run();
      await settled();
    }
    this.now = until;
  }
}

/** Lets everything run that waits for a promise only. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

export interface OpenStream {
  method: string;
  args: unknown[];
  observer: Observer<unknown>;
  disposed: boolean;
}

/** A wire whose other end is the test. */
export class ScriptedWire implements Wire {
  starts = 0;
  /** What the next starts end with: an error, or null for success; success when there is none. */
  refusals: (Error | null)[] = [];
  calls: { method: string; args: unknown[] }[] = [];
  streams: OpenStream[] = [];
  answer: (method: string, args: unknown[]) => unknown = () => null;
  private open = false;
  private closed: () => void = () => undefined;

  async start(): Promise<void> {
    this.starts += 1;
    const refusal = this.refusals.shift();
    if (refusal) throw refusal;
    this.open = true;
  }

  async stop(): Promise<void> {
    this.lose();
  }

  async invoke<T>(method: string, ...args: unknown[]): Promise<T> {
    if (!this.open) throw new Error("Cannot send data if the connection is not in the 'Connected' State.");
    this.calls.push({ method, args });
    return (await this.answer(method, args)) as T;
  }

  stream<T>(method: string, ...args: unknown[]) {
    return {
      subscribe: (observer: Observer<T>) => {
        const stream: OpenStream = { method, args, observer: observer as Observer<unknown>, disposed: false };
        this.streams.push(stream);
        return { dispose: () => void (stream.disposed = true) };
      },
    };
  }

  onclose(callback: () => void): void {
    this.closed = callback;
  }

  /** The connection breaks; SignalR ends the streams first, then says so. */
  lose(): void {
    if (!this.open) return;
    this.open = false;
    const error = new Error("Invocation canceled due to the underlying connection being closed.");
    for (const stream of this.streams.filter((each) => !each.disposed)) stream.observer.error(error);
    this.closed();
  }

  get live(): OpenStream | undefined {
    return this.streams.findLast((stream) => !stream.disposed);
  }
}
