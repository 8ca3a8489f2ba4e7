/** Tells the others in the chat that one is writing, as long as one does; nobody is told where nobody is. */

import type { Connection } from "./connection";
import type { Presence } from "./presence";

/** Without a key pressed for so long nobody is writing any more. */
const PAUSE_MS = 4000;

export class Typing {
  private cancelEnd: (() => void) | null = null; // while it is told that one writes

  constructor(
    private readonly sessionId: string,
    private readonly connection: Connection,
    private readonly presence: Presence,
  ) {}

  /** A key was pressed. */
  pressed(): void {
    const isTold = this.cancelEnd !== null;
    this.cancelEnd?.();
    this.cancelEnd = null;
    if (!this.presence.people.some(({ user }) => user !== this.presence.me)) return;
    this.cancelEnd = this.connection.later(PAUSE_MS, this.ended);
    if (!isTold) this.tell({ typing: true });
  }

  /** It was sent, or nothing is left of it. */
  readonly ended = (): void => {
    if (this.cancelEnd === null) return;
    this.cancelEnd();
    this.cancelEnd = null;
    this.tell({});
  };

  private tell(state: { typing?: true }): void {
    // It only helps: whoever is not connected, or presses too fast, is not told that it went nowhere.
    this.connection.invoke("SetPresence", this.sessionId, state).catch(() => undefined);
  }
}
