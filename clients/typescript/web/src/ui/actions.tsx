/** What can be done to a message. */

import { useCopy } from "../clipboard";
import type { Chat } from "../state/chat";
import type { MessageView } from "../state/transcript";
import { textOf } from "./message";

const CONTINUABLE = new Set(["stopped", "interrupted", "limit", "failed"]);

interface Props {
  chat: Chat;
  message: MessageView;
  /** It is the newest one: only there is another answer, or more of it, in its place. */
  last: boolean;
  onEdit: (message: MessageView) => void;
}

export function Actions({ chat, message, last, onEdit }: Props) {
  const { messageId, status, runId } = message;
  if (status === "streaming" || status === "queued") return null;
  if (message.role === "user") {
    return (
      <div class="actions" role="group" aria-label="Actions">
        <Action label="Edit" testid="edit" onClick={() => onEdit(message)} />
        <CopyAction message={message} />
      </div>
    );
  }
  const replyTo = message.replyTo ?? questionBefore(chat, messageId);
  return (
    <div class="actions" role="group" aria-label="Actions">
      {textOf(message) !== "" && <CopyAction message={message} />}
      {last && replyTo && (
        <Action
          label={status === "failed" ? "Try again" : "Answer again"}
          testid="regenerate"
          onClick={() => void chat.regenerate(replyTo)}
        />
      )}
      {last && runId && CONTINUABLE.has(status) && textOf(message) !== "" && (
        <Action label="Continue" testid="continue" onClick={() => void chat.continueFrom(runId)} />
      )}
      <RateAction chat={chat} message={message} score={1} />
      <RateAction chat={chat} message={message} score={-1} />
    </div>
  );
}

function Action({ label, testid, onClick }: { label: string; testid: string; onClick: () => void }) {
  return (
    <button type="button" class="quiet" data-testid={testid} onClick={onClick}>
      {label}
    </button>
  );
}

function CopyAction({ message }: { message: MessageView }) {
  const { label, copy } = useCopy(() => textOf(message));
  return <Action label={label} testid="copy" onClick={copy} />;
}

function RateAction({ chat, message, score }: { chat: Chat; message: MessageView; score: 1 | -1 }) {
  const given = message.rating?.score === score;
  const good = score === 1;
  return (
    <button
      type="button"
      class="quiet"
      aria-pressed={given}
      aria-label={good ? "Good answer" : "Bad answer"}
      data-testid={good ? "rate-up" : "rate-down"}
      onClick={() => void chat.rate(message.messageId, given ? 0 : score)}
    >
      <svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true" class={good ? undefined : "flipped"}>
        <path d="M7 11v9H4v-9zm0 0 4-8c1.7 0 2.6 1 2.3 2.8L12.6 9H19a2 2 0 0 1 2 2.3l-1.1 7A2 2 0 0 1 18 20H7" />
      </svg>
    </button>
  );
}

/** The question of an answer whose run was not seen: the last one above it. */
function questionBefore(chat: Chat, messageId: string): string | undefined {
  const { order, messages } = chat.store.transcript;
  return order.slice(0, order.indexOf(messageId)).findLast((id) => {
    const message = messages.get(id);
    return message?.role === "user" && message.status !== "superseded";
  });
}
