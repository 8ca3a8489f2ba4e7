/** Time and chance, given from outside so that tests decide about both. */
export interface Timers {
  /** Runs once after `ms`; the returned function cancels. */
  after(ms: number, run: () => void): () => void;
  /** From 0 up to 1. */
  random(): number;
}

export const realTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

/** Doubles from half a second up to `maxMs`, spread over half to one and a half of that. Endless. */
export function retryDelayMs(attempt: number, random: number, maxMs = 15_000): number {
  const base = Math.min(maxMs, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(base * (0.5 + random));
}

/** 128 random bits, also where `crypto.randomUUID` is missing (plain http). */
export function newId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return prefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A set of listeners; the returned function of `add` takes one out again. */
export class Listeners<T extends unknown[] = []> {
  private readonly all = new Set<(...args: T) => void>();

  readonly add = (listener: (...args: T) => void): (() => void) => {
    this.all.add(listener);
    return () => void this.all.delete(listener);
  };

  call(...args: T): void {
    for (const listener of [...this.all]) listener(...args);
  }
}
