/** The whole page without its painting: the connection, the list of sessions, the open one, what waits to be sent. */

import { Chat } from "./chat";
import { Connection, type Wire } from "./connection";
import type { Accepted } from "./contract";
import { callFailure } from "./errors";
import type { Attachments, Upload, Uploaded } from "./files";
import { type Draft, type DraftStorage, Outbox } from "./outbox";
import type { Told } from "./presence";
import { SessionList } from "./sessions";
import type { Frame } from "./store";
import { Listeners, newId, type Timers } from "./timers";
import { Unfinished } from "./unfinished";

export class Viewer {
  readonly connection: Connection;
  readonly sessions: SessionList;
  readonly outbox: Outbox;
  chat: Chat;
  /** The last thing that went wrong with what the user asked; null once it was dismissed. */
  complaint: string | null = null;
  private readonly listeners = new Listeners();
  /** Files for messages of other chats than the open one, by session. */
  private readonly aside = new Map<string, Attachments>();

  constructor(
    private readonly wire: Wire,
    storage: DraftStorage,
    private readonly frame: Frame,
    timers: Timers,
    sessionId: string | null,
    readonly unfinished = new Unfinished(),
    private readonly isSeen = () => true,
    private readonly upload: Upload = () => Promise.reject(new Error("[unavailable] Files cannot be sent from here.")),
  ) {
    this.connection = new Connection(wire, timers);
    wire.on?.("Presence", (told) => this.hear(told as Told));
    this.outbox = new Outbox(storage, this.deliver, () => this.connection.online, timers);
    this.sessions = new SessionList(this.connection);
    this.chat = this.make(sessionId);
    this.connection.subscribe(this.outbox.pump);
    this.connection.subscribe(() => this.connection.online || this.chat.presence.forget());
  }

  /** Hears of another open chat and of complaints. */
  readonly subscribe = this.listeners.add;

  start(): void {
    this.sessions.start();
    this.connection.start();
  }

  /** Opens that session; null: a new one, which exists once something is said in it. */
  open(sessionId: string | null): void {
    if (sessionId === this.chat.sessionId || (sessionId === null && this.chat.isNew)) return;
    if (this.chat.attachments.entries.length > 0) this.aside.set(this.chat.sessionId, this.chat.attachments);
    this.chat.close();
    this.chat = this.make(sessionId);
    this.listeners.call();
  }

  /** Says it in the open chat; where that is gone, in a new one. False if it is not to be sent. */
  send(content: string, more: { replaces?: string; files?: Uploaded[] } = {}): boolean {
    if (this.chat.gone === null) return this.chat.send(content, more);
    const next = this.make(null);
    if (!next.send(content)) {
      next.close();
      return false;
    }
    this.chat.close();
    this.chat = next;
    this.listeners.call();
    return true;
  }

  /** Deletes that session, for everybody. False if that did not work. */
  async remove(sessionId: string): Promise<boolean> {
    try {
      await this.connection.invoke("DeleteSession", sessionId);
    } catch (error) {
      this.complain(callFailure(error).text);
      return false;
    }
    this.outbox.forgetSession(sessionId);
    this.unfinished.keep(sessionId, "");
    this.aside.delete(sessionId);
    this.sessions.apply({ sessionId, deleted: true });
    if (this.chat.sessionId === sessionId) this.open(null);
    return true;
  }

  readonly complain = (text: string | null): void => {
    this.complaint = text;
    this.listeners.call();
  };

  private make(sessionId: string | null): Chat {
    const id = sessionId ?? newId("s-");
    // A session whose first message is still in the outbox may not exist yet.
    const isNew = sessionId === null || this.outbox.of(id).some((entry) => entry.opens);
    const chat = new Chat(id, isNew, this.connection, this.outbox, this.frame, this.complain, this.isSeen, this.upload, this.aside.get(id));
    this.aside.delete(id);
    return chat;
  }

  private hear(told: Told): void {
    if (told.sessionId === this.chat.sessionId) this.chat.presence.take(told, this.wire.connectionId ?? null);
  }

  private readonly deliver = async ({ messageId, sessionId, content: text, files, ...draft }: Draft): Promise<Accepted> => {
    const content = files?.length ? [{ type: "text", text }, ...files.map(({ fileId }) => ({ type: "file", fileId }))] : text;
    if (draft.opens) {
      await this.connection.invoke("OpenSession", { sessionId });
      if (this.chat.sessionId === sessionId) this.chat.watch();
    }
    const { replaces } = draft;
    if (!replaces) return this.connection.invoke<Accepted>("SendMessage", sessionId, { messageId, content });
    // What follows an edited message is put aside, so nobody waits for an answer to it.
    const options = { whenBusy: "replace" };
    return this.connection.invoke<Accepted>("SendMessage", sessionId, { messageId, content, replaces }, options);
  };
}
