/** Where one writes. The focus stays here; Enter sends, Escape stops the answer. */

import type { TargetedKeyboardEvent } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Chat } from "../state/chat";
import type { MessageView } from "../state/transcript";
import { AttachButton, Chips, useDrop } from "./attachments";
import { addressSession } from "./browser";
import { useViewer, useWatched } from "./hooks";
import { filesOf, textOf } from "./message";

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
  const list = useMemo(() => (editing ? chat.collect(filesOf(editing)) : chat.attachments), [editing, chat]);
  const files = useWatched(list.subscribe, () => list.entries);
  const unready = list.uploading ? "Wait until the files are there" : list.failed ? "Take out, or try again, what could not be added" : null;
  const sendable = (text.trim() !== "" || files.length > 0) && unready === null;

  useEffect(() => field.current?.focus({ preventScroll: true }), [chat]);
  useLayoutEffect(() => {
    setText(editing ? textOf(editing) : viewer.unfinished.of(keptAs(chat)));
    if (editing) field.current?.focus({ preventScroll: true });
  }, [editing, chat]);
  useLayoutEffect(() => fit(field.current), [text]);
  useEffect(() => (list === chat.attachments ? undefined : () => list.close()), [list]);
  useNamed(chat, editing ? null : text);

  const addFiles = useCallback((added: File[]) => {
    list.add(added);
    field.current?.focus({ preventScroll: true });
  }, [list]);
  const over = useDrop(addFiles);

  const write = (written: string) => {
    setText(written);
    if (!editing) viewer.unfinished.keep(keptAs(chat), written);
    if (written === "") chat.typing.ended();
    else chat.typing.pressed();
  };
  const send = () => {
    const kept = keptAs(chat);
    if (!sendable) return;
    const added = files.length > 0 ? { files: list.ready } : {};
    if (!viewer.send(text.trim(), editing ? { replaces: editing.messageId, ...added } : added)) return;
    list.clear();
    chat.typing.ended();
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
      class={over ? "composer over" : "composer"}
      data-testid="composer-form"
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
      <Chips list={list} onRemoved={() => field.current?.focus({ preventScroll: true })} />
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
          onPaste={(event) => {
            const pasted = [...(event.clipboardData?.files ?? [])];
            // Tables come as a picture as well: whoever copied text wants that.
            if (pasted.length === 0 || event.clipboardData?.types.includes("text/plain")) return;
            event.preventDefault();
            addFiles(pasted);
          }}
        />
        <AttachButton onFiles={addFiles} disabled={gone} />
        {stoppable && (
          <button type="button" class="stop" data-testid="stop" aria-label="Stop the answer (Escape)" title="Stop (Escape)" onClick={stop}>
            <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
              <rect x="5" y="5" width="14" height="14" rx="3" />
            </svg>
          </button>
        )}
        <button type="submit" class="send" data-testid="send" aria-label="Send" title={unready ?? "Send (Enter)"} disabled={!sendable}>
          <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
            <path d="M12 20V5m0 0-6 6m6-6 6 6" />
          </svg>
        </button>
      </div>
      <p class="visually-hidden" role="status" data-testid="files-status">
        {unready !== null && `${unready}.`}
      </p>
    </form>
  );
}

/** A blank chat that a file has opened is addressed from then on, and keeps under its own name what is being written. */
function useNamed(chat: Chat, text: string | null): void {
  const viewer = useViewer();
  const blank = useRef<Chat | null>(null);
  const name = keptAs(chat);
  useEffect(() => {
    if (blank.current === chat && name !== "new" && text !== null) {
      addressSession(chat.sessionId, "replace");
      viewer.unfinished.keep("new", "");
      viewer.unfinished.keep(name, text);
    }
    blank.current = name === "new" ? chat : null;
  }, [chat, name]);
}

/** Under which name what is being written is kept: after a reload a blank chat is another one. */
const keptAs = (chat: Chat) => (chat.blank ? "new" : chat.sessionId);

/** As high as its text, within what the style allows. */
function fit(field: HTMLTextAreaElement | null): void {
  if (field === null) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
