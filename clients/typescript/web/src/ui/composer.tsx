/** Where one writes. The focus stays here; Enter sends, Escape stops the answer. */

import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "../state/chat";
import type { MessageView } from "../state/transcript";
import { addressSession } from "./browser";
import { useViewer, useWatched } from "./hooks";
import { textOf } from "./message";

interface Props {
  chat: Chat;
  /** The message that is being edited. */
  editing: MessageView | null;
  onEdited: () => void;
  onSent: () => void;
}

export function Composer({ chat, editing, onEdited, onSent }: Props) {
  const viewer = useViewer();
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useWatched(chat.store.subscribeHead, () => chat.store.transcript.run);
  useWatched(viewer.outbox.subscribe, () => viewer.outbox.entries);
  useWatched(chat.store.subscribeOrder, () => chat.store.transcript.order);
  const gone = useWatched(chat.subscribe, () => chat.gone) !== null;
  const stoppable = chat.stoppable;

  useEffect(() => field.current?.focus({ preventScroll: true }), [chat]);
  useLayoutEffect(() => {
    setText(editing ? textOf(editing) : viewer.unfinished.of(keptAs(chat)));
    if (editing) field.current?.focus({ preventScroll: true });
  }, [editing, chat]);
  useLayoutEffect(() => fit(field.current), [text]);

  const write = (written: string) => {
    setText(written);
    if (!editing) viewer.unfinished.keep(keptAs(chat), written);
  };
  const send = () => {
    const content = text.trim();
    const kept = keptAs(chat);
    if (content === "") return;
    if (!viewer.send(content, editing ? { replaces: editing.messageId } : {})) return;
    addressSession(viewer.chat.sessionId, "replace");
    setText("");
    if (editing) onEdited();
    else viewer.unfinished.keep(kept, "");
    onSent();
    field.current?.focus({ preventScroll: true });
  };
  const stop = (event: MouseEvent) => {
    void chat.stop();
    // The button goes, and would take the focus with it. A finger's tap should not bring up the keyboard.
    if (!(event instanceof PointerEvent && event.pointerType === "touch")) field.current?.focus({ preventScroll: true });
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    // While an input method is composing, Enter and Escape are its own.
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && editing) {
      event.preventDefault();
      onEdited();
    }
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {editing && (
        <p class="editing" data-testid="editing">
          Editing your message. Sending replaces it and everything after it.
          <button type="button" class="quiet" onClick={onEdited}>
            Cancel
          </button>
        </p>
      )}
      <div class="field">
        <textarea
          ref={field}
          rows={1}
          value={text}
          data-testid="composer"
          aria-label="Message"
          placeholder={gone ? "Write to begin a new chat" : stoppable ? "Next message (waits its turn)" : "Write a message"}
          enterkeyhint="send"
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {stoppable && (
          <button type="button" class="stop" data-testid="stop" aria-label="Stop the answer (Escape)" title="Stop (Escape)" onClick={stop}>
            <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
              <rect x="5" y="5" width="14" height="14" rx="3" />
            </svg>
          </button>
        )}
        <button type="submit" class="send" data-testid="send" aria-label="Send" title="Send (Enter)" disabled={text.trim() === ""}>
          <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
            <path d="M12 20V5m0 0-6 6m6-6 6 6" />
          </svg>
        </button>
      </div>
    </form>
  );
}

/** Under which name what is being written is kept: after a reload a blank chat is another one. */
const keptAs = (chat: Chat) => (chat.blank ? "new" : chat.sessionId);

/** As high as its text, within what the style allows. */
function fit(field: HTMLTextAreaElement | null): void {
  if (field === null) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
