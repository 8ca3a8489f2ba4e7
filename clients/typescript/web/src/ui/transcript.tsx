/** The messages of the open session, what waits to be sent, and the way to older ones. */

import { useCallback, useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Chat } from "../state/chat";
import { bytes } from "../state/files";
import type { Outgoing } from "../state/outbox";
import type { MessageView } from "../state/transcript";
import { Empty } from "./empty";
import { useViewer, useWatched } from "./hooks";
import { MessageRow } from "./message";
import type { StickToEnd } from "./scroll";

export function TranscriptView({ chat, stick, onEdit }: { chat: Chat; stick: StickToEnd; onEdit: (m: MessageView) => void }) {
  const { outbox } = useViewer();
  const { store } = chat;
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const order = useWatched(store.subscribeOrder, () => store.transcript.order);
  useWatched(store.subscribeHead, () => store.transcript.notices);
  useWatched(chat.subscribe, () => chat.loadingOlder);
  const entries = useWatched(outbox.subscribe, () => outbox.entries);
  const unsent = entries.filter((entry) => entry.sessionId === chat.sessionId && !store.transcript.messages.has(entry.messageId));

  useEffect(() => (box.current && content.current ? stick.attach(box.current, content.current) : undefined), [stick]);
  useLayoutEffect(() => stick.toEnd(), [chat]);
  const loadOlder = useOlder(chat, stick, box, order);

  const loading = !chat.isNew && chat.gone === null && store.transcript.position === null;
  const nothing = !loading && order.length === 0 && unsent.length === 0 && chat.gone === null;
  return (
    <div class="scroll" ref={box} tabIndex={-1} onClickCapture={(event) => unfolds(event.target) && stick.yield()}>
      <div class="transcript" ref={content} data-testid="transcript" role="region" aria-label="Transcript" aria-busy={loading}>
        {chat.gone !== null && (
          <p class="problem" role="alert" data-testid="gone">
            {chat.gone} What you write below begins a new one.
          </p>
        )}
        {loading && <p class="muted centred">Opening the chat…</p>}
        {nothing && <Empty chat={chat} />}
        {store.transcript.hasMore && (
          <button type="button" class="older" data-testid="load-older" disabled={chat.loadingOlder} onClick={loadOlder}>
            {chat.loadingOlder ? "Loading…" : "Show older messages"}
          </button>
        )}
        {rows(chat, order, onEdit)}
        {store.transcript.notices.map((notice) => (
          <p class="notice" data-testid="notice" data-code={notice.code}>
            {notice.text}
          </p>
        ))}
        {unsent.map((entry) => (
          <Unsent key={entry.messageId} chat={chat} entry={entry} />
        ))}
      </div>
    </div>
  );
}

const unfolds = (target: EventTarget | null) => target instanceof Element && target.closest("summary, .fold") !== null;

function rows(chat: Chat, order: readonly string[], onEdit: (message: MessageView) => void) {
  const { messages } = chat.store.transcript;
  let place = 0;
  let aside = false; // an answer was put aside since the last question
  return order.map((messageId, index) => {
    const message = messages.get(messageId);
    if (message?.status === "queued") place += 1;
    const again = aside && message?.role === "assistant";
    aside = message?.role === "assistant" && (aside || message.status === "superseded");
    return (
      <MessageRow
        key={messageId}
        chat={chat}
        messageId={messageId}
        last={index === order.length - 1}
        again={again}
        place={place}
        onEdit={onEdit}
      />
    );
  });
}

/** Asks for an older page; the message that was on top stays where it is. */
function useOlder(chat: Chat, stick: StickToEnd, box: { current: HTMLElement | null }, order: readonly string[]) {
  const held = useRef<{ first: Element; top: number } | null>(null);
  useLayoutEffect(() => {
    const before = held.current;
    if (before === null || box.current === null) return;
    const moved = before.first.getBoundingClientRect().top - before.top;
    if (moved !== 0) box.current.scrollTop += moved;
    held.current = null;
  }, [order]);
  return useCallback(() => {
    const first = box.current?.querySelector("article");
    stick.letGo();
    void chat.loadOlder();
    if (first) held.current = { first, top: first.getBoundingClientRect().top };
  }, [chat, stick]);
}

const UNSENT: Record<Outgoing["state"], string> = {
  waiting: "Waits for the connection",
  sending: "Sending…",
  accepted: "Sent",
  failed: "Not sent",
};

function Unsent({ chat, entry }: { chat: Chat; entry: Outgoing }) {
  const { outbox } = useViewer();
  return (
    <article class="message user unsent" data-testid="unsent" data-state={entry.state} aria-label="You">
      <div class="body">
        {entry.content !== "" && <div class="plain">{entry.content}</div>}
        {entry.files?.map((file) => (
          <p class="file" key={file.fileId}>
            <bdi>{file.name}</bdi> <span class="muted">{bytes(file.size)}</span>
          </p>
        ))}
      </div>
      {entry.error !== null && (
        <p class="problem" role="alert">
          {entry.error}
        </p>
      )}
      <p class="meta">
        <span data-testid="unsent-state">{UNSENT[entry.state]}</span>
        {entry.state === "failed" && (
          <button type="button" class="quiet" data-testid="retry" onClick={() => outbox.retry(entry.messageId)}>
            Try again
          </button>
        )}
        <button type="button" class="quiet" data-testid="discard" onClick={() => void chat.cancelMessage(entry.messageId)}>
          {entry.state === "failed" ? "Discard" : "Cancel"}
        </button>
      </p>
    </article>
  );
}
