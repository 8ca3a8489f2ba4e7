/** What is being written and not yet sent, one text per chat: it is there again after a reload, and on coming back. */

/** Those kept; the one that was left alone for longest goes first. */
const MAX_TEXTS = 20;
/** A longer one is not kept: it was pasted, and is written whole at each key pressed. */
const MAX_CHARS = 100_000;

/** Where they outlast the page; may forget. */
export interface TextStorage {
  load(): [name: string, text: string][];
  save(name: string, text: string): void;
  remove(name: string): void;
}

const nowhere: TextStorage = { load: () => [], save: () => undefined, remove: () => undefined };

export class Unfinished {
  /** Last changed last. */
  private readonly texts: Map<string, string>;

  constructor(private readonly storage: TextStorage = nowhere) {
    this.texts = new Map(storage.load());
  }

  /** Empty if there is none. */
  of(name: string): string {
    return this.texts.get(name) ?? "";
  }

  /** In place of what was kept; an empty text forgets it. */
  keep(name: string, text: string): void {
    this.texts.delete(name);
    if (text === "" || text.length > MAX_CHARS) return this.storage.remove(name);
    this.texts.set(name, text);
    this.storage.save(name, text);
    for (const oldest of [...this.texts.keys()].slice(0, -MAX_TEXTS)) {
      this.texts.delete(oldest);
      this.storage.remove(oldest);
    }
  }
}
