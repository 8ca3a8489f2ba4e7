/** Who else has the session open (docs/presence.md), as the hub tells it. */

import { Listeners } from "./timers";

export interface Person {
  user: string;
  role: string;
  connections: { connectionId: string; state?: unknown }[];
}
/** The argument of `Presence`. */
export interface Told {
  sessionId: string;
  roster?: Person[];
  joined?: Person[];
  updated?: Person[];
  left?: string[];
}
export type News = { kind: "joined" | "left"; user: string };

export class Presence {
  /** In the order in which they came, oneself first. Replaced, never changed in place. */
  people: readonly Person[] = [];
  /** The user of this page; null while nobody has said it. */
  me: string | null = null;
  /** Others who come and go; not those that a roster tells of. */
  readonly news = new Listeners<[News]>();
  private readonly listeners = new Listeners();

  readonly subscribe = this.listeners.add;

  /** `connectionId` is this page's own. */
  take({ roster, joined = [], updated = [], left = [] }: Told, connectionId: string | null): void {
    const known = new Map((roster ?? this.people).map((person) => [person.user, person]));
    for (const person of [...joined, ...updated]) known.set(person.user, person);
    for (const user of left) known.delete(user);
    const all = [...known.values()];
    const own = all.find((person) => person.connections.some((each) => each.connectionId === connectionId));
    if (own !== undefined) this.me = own.user;
    this.people = [...all.filter((person) => person === own), ...all.filter((person) => person !== own)];
    this.listeners.call();
    if (roster !== undefined) return;
    for (const { user } of joined) if (user !== this.me) this.news.call({ kind: "joined", user });
    for (const user of left) if (user !== this.me) this.news.call({ kind: "left", user });
  }

  /** Others who are writing now. */
  get writing(): readonly Person[] {
    return this.people.filter(({ user, connections }) => user !== this.me && connections.some(({ state }) => isTyping(state)));
  }

  /** The connection is gone: nobody knows who is here. */
  forget(): void {
    if (this.people.length === 0) return;
    this.people = [];
    this.listeners.call();
  }
}

const isTyping = (state: unknown): boolean => typeof state === "object" && state !== null && "typing" in state && state.typing === true;

/** A user's id without their organisation's. */
export const nameOf = (user: string): string => user.slice(user.indexOf("/") + 1) || user;
