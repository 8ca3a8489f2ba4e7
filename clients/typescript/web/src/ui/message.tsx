/** One message of the transcript, painted anew only when it changes itself. */

import { useCallback, useEffect, useState } from "preact/hooks";
import { SourcesProvider } from "../markdown/mark";
import type { Chat } from "../state/chat";
import { citedIn } from "../state/citations";
import type { FilePart, Status } from "../state/contract";
import { nameOf } from "../state/presence";
import { finalRates, liveRates } from "../state/rates";
import type { MessageView } from "../state/transcript";
import { Boundary } from "./boundary";
import { Actions } from "./actions";
import { FileView } from "./file";
import { ratesText } from "./format";
import { memo, useWatched } from "./hooks";
import { PartView } from "./parts";
import { SourceList, useSources } from "./sources";

const LONG_ANSWER_CHARS = 8000;
const LONG_QUESTION_CHARS = 1200;

interface Props {
  chat: Chat;
  messageId: string;
  /** It is the newest one. */
  last: boolean;
  /** An earlier answer to the same question was put aside for it. */
  again: boolean;
  /** How many messages are answered before this queued one, and itself. */
  place: number;
  onEdit: (message: MessageView) => void;
}

export const MessageRow = memo(({ chat, messageId, last, again, place, onEdit }: Props) => {
  const { store } = chat;
  const subscribe = useCallback((run: () => void) => store.subscribeMessage(messageId, run), [store, messageId]);
  const message = useWatched(subscribe, () => store.transcript.messages.get(messageId));
  if (message === undefined || message.status === "superseded") return null;
  const streaming = message.status === "streaming";
  const me = useWatched(chat.presence.subscribe, () => chat.presence.me);
  const other = message.role === "user" ? otherAuthor(chat, message.author, me) : null;
  const who = message.role === "user" ? (other ?? "You") : "Answer";
  return (
    <article
      class={`message ${message.role}`}
      data-testid={`message-${messageId}`}
      data-role={message.role}
      data-status={message.status}
      aria-label={who}
      aria-busy={streaming}
    >
      <Boundary
        attempt={message.status}
        onError={(error) => chat.reportError(messageId, `A message could not be shown: ${error.message}`)}
        fallback={<Unshown message={message} />}
      >
        {other !== null && (
          <p class="author muted" data-testid="author" title={message.author} dir="auto">
            {other}
          </p>
        )}
        <Body chat={chat} message={message} last={last} />
        <Footer chat={chat} message={message} again={again} place={place} />
      </Boundary>
      <Actions chat={chat} message={message} last={last} onEdit={onEdit} />
    </article>
  );
});

/** The name of a user who is not this page's; null if it is, or if nobody knows. */
function otherAuthor(chat: Chat, author: string, me: string | null): string | null {
  const several = (chat.store.transcript.session?.participants.length ?? 0) > 1;
  return author === me || (me === null && !several) ? null : nameOf(author);
}

function Body({ chat, message, last }: { chat: Chat; message: MessageView; last: boolean }) {
  const streaming = message.status === "streaming";
  const limit = message.role === "user" ? LONG_QUESTION_CHARS : LONG_ANSWER_CHARS;
  const mayFold = () => !streaming && !(last && message.role === "assistant") && textOf(message).length > limit;
  // Decided once: what was read as it came is not folded under the reader's eyes.
  const [foldable] = useState(mayFold);
  const [folded, setFolded] = useState(foldable);
  const end = message.parts.length - 1;
  const cited = citedIn(message.parts);
  const sources = useSources(cited.sources);
  return (
    <div class="body">
      <div class={folded ? "folded" : undefined}>
        {message.role === "user" ? (
          <Asked chat={chat} message={message} />
        ) : (
          <SourcesProvider value={sources}>
            {message.parts.map((part, index) => (
              <PartView key={index} chat={chat} part={part} marked={cited.texts.get(index)} growing={streaming && index === end} />
            ))}
          </SourcesProvider>
        )}
        {streaming && !showsGrowth(message) && <Waiting />}
      </div>
      {foldable && (
        <button type="button" class="fold" aria-expanded={!folded} onClick={() => setFolded(!folded)}>
          {folded ? "Show all" : "Show less"}
        </button>
      )}
      {cited.sources.length > 0 && <SourceList sources={cited.sources} wanted={sources.wanted} />}
    </div>
  );
}

/** What a user said: the text as it was typed, and the files. */
function Asked({ chat, message }: { chat: Chat; message: MessageView }) {
  const text = textOf(message);
  return (
    <>
      {text !== "" && <div class="plain">{text}</div>}
      {filesOf(message).map((file) => (
        <FileView key={file.fileId} sessionId={chat.sessionId} file={file} />
      ))}
    </>
  );
}

function Waiting() {
  return (
    <div class="waiting" data-testid="waiting">
      <span />
      <span />
      <span />
      <span class="visually-hidden">Waiting for the answer</span>
    </div>
  );
}

const ENDED: Partial<Record<Status, string>> = {
  stopped: "Stopped",
  failed: "Failed",
  interrupted: "Interrupted: the hub went away before the answer was whole",
  limit: "Reached a limit",
};

function Footer({ chat, message, again, place }: { chat: Chat; message: MessageView; again: boolean; place: number }) {
  const { status, error, notices, edited } = message;
  return (
    <>
      {notices?.map((notice) => (
        <p class="notice" data-testid="notice" data-code={notice.code}>
          {notice.text}
        </p>
      ))}
      {error && (
        <p class="problem" role="alert" data-testid="error" data-code={error.code}>
          {error.message}
        </p>
      )}
      <p class="meta">
        {ENDED[status] && (
          <span class={`ended ended-${status}`} data-testid="status">
            {ENDED[status]}
          </span>
        )}
        {status === "queued" && (
          <span data-testid="queued">
            Waits its turn (place {place}){" "}
            <button type="button" class="quiet" data-testid="cancel-queued" onClick={() => void chat.cancelMessage(message.messageId)}>
              Cancel
            </button>
          </span>
        )}
        {edited && <span class="muted">edited</span>}
        {again && <span class="muted">answered again</span>}
        {message.role === "assistant" && (
          <span class="muted" data-testid="answered-by">
            {answeredBy(message)}
          </span>
        )}
        {message.role === "assistant" && <RatesText chat={chat} message={message} />}
      </p>
    </>
  );
}

function answeredBy({ provider, author, model = author }: MessageView): string {
  return !provider || provider === model ? model : `${provider} · ${model}`;
}

const RATES_MS = 500;

function RatesText({ chat, message }: { chat: Chat; message: MessageView }) {
  const { messageId, timing, usage, model } = message;
  const streaming = message.status === "streaming";
  const [live, setLive] = useState("");
  useEffect(() => {
    if (!streaming) return;
    const timer = setInterval(() => {
      const pace = chat.store.transcript.messages.get(messageId)?.pace;
      if (pace) setLive(ratesText(liveRates(pace)));
    }, RATES_MS);
    return () => clearInterval(timer);
  }, [streaming, messageId]);
  const text = timing && usage ? ratesText(finalRates(timing, usage)) : streaming ? live : "";
  if (text === "") return null;
  return (
    <span class="muted rates" data-testid="rates" title={model}>
      {text}
    </span>
  );
}

/** When a message cannot be painted: what can be said of it without painting it. */
function Unshown({ message }: { message: MessageView }) {
  return (
    <div class="body">
      <p class="problem" role="alert" data-testid="unshown">
        This message could not be shown as it is meant to be. Its text:
      </p>
      <pre class="plain">{textOf(message)}</pre>
    </div>
  );
}

export function textOf(message: MessageView): string {
  return message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
}

export function filesOf(message: MessageView): FilePart[] {
  return message.parts.filter((part) => part.type === "file");
}

/** Whether the last part shows by itself that more is coming. */
function showsGrowth(message: MessageView): boolean {
  const part = message.parts.at(-1);
  if (part?.type === "tool_call") return ["pending", "approval", "running"].includes(part.state);
  return part !== undefined && (part.type === "file" || part.text !== "");
}
