/** What the page keeps in the browser: unsent messages and unfinished ones, a token, and the open session in its address. */

import { type Draft, type DraftStorage, memoryStorage } from "../state/outbox";
import type { TextStorage } from "../state/unfinished";

/** Hubs below different prefixes of one host do not see each other's. */
const PREFIX = `hubline:${location.pathname}:draft:`;

function attempt<T>(what: () => T, otherwise: T): T {
  try {
    return what();
  } catch {
    return otherwise;
  }
}

/** In localStorage; in memory where the browser forbids that (blocked or partitioned storage, full disk). */
export function draftStorage(): DraftStorage {
  const memory = memoryStorage();
  return {
    load: () => attempt(readAll, []),
    save(draft) {
      memory.save(draft);
      attempt(() => localStorage.setItem(PREFIX + draft.messageId, JSON.stringify(draft)), undefined);
    },
    remove(messageId) {
      memory.remove(messageId);
      attempt(() => localStorage.removeItem(PREFIX + messageId), undefined);
    },
  };
}

function keysOf(storage: Storage, prefix: string): string[] {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
  return keys.filter((key) => key.startsWith(prefix));
}

function readAll(): Draft[] {
  return keysOf(localStorage, PREFIX).flatMap((key) => readDraft(localStorage.getItem(key)));
}

function readDraft(text: string | null): Draft[] {
  try {
    const draft = JSON.parse(text ?? "") as Partial<Draft>;
    const whole = draft.messageId && draft.sessionId && typeof draft.content === "string" && draft.createdAt;
    return whole ? [draft as Draft] : [];
  } catch {
    return []; // not ours, or of another version
  }
}

/** Calls with the id of each message that another tab delivered or cancelled. */
export function onDraftRemoved(listener: (messageId: string) => void): void {
  addEventListener("storage", (event) => {
    if (event.key?.startsWith(PREFIX) && event.newValue === null) listener(event.key.slice(PREFIX.length));
  });
}

const TEXT = `hubline:${location.pathname}:unfinished:`;

/** In sessionStorage: gone with this tab, and not another tab's. Until the page is left where the browser forbids that. */
export function textStorage(): TextStorage {
  const read = () => keysOf(sessionStorage, TEXT).map((key): [string, string] => [key.slice(TEXT.length), sessionStorage.getItem(key) ?? ""]);
  return {
    load: () => attempt(read, []),
    save: (name, text) => attempt(() => sessionStorage.setItem(TEXT + name, text), undefined),
    remove: (name) => attempt(() => sessionStorage.removeItem(TEXT + name), undefined),
  };
}

const TOKEN = `hubline:${location.pathname}:token`;
let token: string | null = null; // where the browser forbids storage

/** The token to connect with; empty if there is none. It is gone with this tab. */
export function keptToken(): string {
  try {
    return token ?? sessionStorage.getItem(TOKEN) ?? "";
  } catch {
    return "";
  }
}

export function keepToken(text: string): void {
  token = text;
  try {
    sessionStorage.setItem(TOKEN, text);
  } catch {
    // It lasts until the page is left.
  }
}

/** The session named by the page's address: `#s=<id>`. */
export function addressedSession(): string | null {
  const id = new URLSearchParams(location.hash.slice(1)).get("s");
  return id === "" ? null : id;
}

export function addressSession(sessionId: string | null, how: "push" | "replace"): void {
  if (sessionId === addressedSession()) return;
  const address = sessionId === null ? location.pathname + location.search : `#s=${encodeURIComponent(sessionId)}`;
  if (how === "push") history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}
