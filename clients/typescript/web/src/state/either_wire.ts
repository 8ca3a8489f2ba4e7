/** SignalR where it gets through, plain HTTP where it does not: tried in this order at each start. */

import type { Wire } from "./connection";

export class EitherWire implements Wire {
  private used: Wire;
  private closed: (error?: Error) => void = () => undefined;

  constructor(
    private readonly first: Wire,
    private readonly second: Wire,
  ) {
    this.used = first;
    for (const wire of [first, second]) wire.onclose((error) => wire === this.used && this.closed(error));
  }

  get note(): string | null {
    return this.used === this.second ? "Your network lets only plain HTTP through: changes may come a little later." : null;
  }

  get connectionId(): string | null {
    return this.used.connectionId ?? null;
  }

  on(method: string, callback: (...args: unknown[]) => void): void {
    for (const wire of [this.first, this.second]) wire.on?.(method, callback);
  }

  /** Fails with what the first one said, unless the second one works. */
  async start(): Promise<void> {
    try {
      this.used = this.first;
      await this.first.start();
    } catch (error) {
      if (isAnswer(error)) throw error;
      await this.second.start().catch(() => {
        throw error;
      });
      this.used = this.second;
    }
  }

  stop(): Promise<void> {
    return this.used.stop();
  }

  invoke<T>(method: string, ...args: unknown[]): Promise<T> {
    return this.used.invoke<T>(method, ...args);
  }

  stream<T>(method: string, ...args: unknown[]): ReturnType<typeof this.used.stream<T>> {
    return this.used.stream<T>(method, ...args);
  }

  onclose(callback: (error?: Error) => void): void {
    this.closed = callback;
  }
}

/** The hub itself said no: another way to it would not help. */
function isAnswer(error: unknown): boolean {
  return /Status code '(401|403|429|503)'/.test(error instanceof Error ? error.message : String(error));
}
