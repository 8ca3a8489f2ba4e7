/** The list of the user's sessions, newest first, kept up by `WatchSessions`. */

import { type Connection, follow } from "./connection";
import type { SessionChange, SessionRow } from "./contract";
import { Listeners } from "./timers";

/** As many as a watch begins with. */
const PAGE = 200;

export class SessionList {
  /** Newest first. Replaced, never changed in place. */
  rows: readonly SessionRow[] = [];
  hasMore = false;
  /** The first page is there. */
  loaded = false;
  private readonly byId = new Map<string, SessionRow>();
  private readonly deleted = new Set<string>();
  private readonly listeners = new Listeners();

  constructor(private readonly connection: Connection) {}

  readonly subscribe = this.listeners.add;

  start(): void {
    follow<SessionChange>(this.connection, {
      call: () => {
        // Asked after the watch is open, so that no change falls between the two.
        queueMicrotask(() => void this.load());
        return ["WatchSessions"];
      },
      next: (change) => {
        this.apply(change);
        return true;
      },
      ended: () => undefined,
    });
  }

  async loadMore(): Promise<void> {
    const last = this.rows.at(-1);
    // Others may have changed in the same millisecond; those that are known come again.
    if (last) await this.load(last.updatedAt + 1);
  }

  apply(change: SessionChange): void {
    if (change.deleted) {
      this.byId.delete(change.sessionId);
      this.deleted.add(change.sessionId);
    } else {
      this.byId.set(change.sessionId, change);
      this.deleted.delete(change.sessionId);
    }
    this.show();
  }

  /** Adds a page. What a change told meanwhile is newer than it. */
  merge(page: readonly SessionRow[], hasMore: boolean): void {
    for (const row of page) {
      const known = this.byId.get(row.sessionId);
      if (this.deleted.has(row.sessionId) || (known && known.updatedAt > row.updatedAt)) continue;
      this.byId.set(row.sessionId, { ...known, ...row });
    }
    this.hasMore = hasMore;
    this.loaded = true;
    this.show();
  }

  private async load(before?: number): Promise<void> {
    const options = before === undefined ? { limit: PAGE } : { limit: PAGE, before };
    try {
      const page = await this.connection.invoke<{ sessions: SessionRow[]; hasMore: boolean }>("ListSessions", options);
      this.merge(page.sessions, page.hasMore);
    } catch {
      // The list stays as it is; the next connection asks again.
      this.loaded = true;
      this.show();
    }
  }

  private show(): void {
    this.rows = [...this.byId.values()].sort((a, b) => b.updatedAt - a.updatedAt);
    this.listeners.call();
  }
}
