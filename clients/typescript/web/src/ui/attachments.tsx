/** Files for the next message: a button, dropping and pasting add them, chips show them. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ACCEPTED, type Attachment, type Attachments, bytes } from "../state/files";

export function AttachButton({ onFiles, disabled }: { onFiles: (files: File[]) => void; disabled: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        class="attach"
        data-testid="attach"
        aria-label="Add files"
        title="Add files (or drop them, or paste a picture)"
        disabled={disabled}
        onClick={() => input.current?.click()}
      >
        <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
          <path d="m20 11-8.5 8.5a5 5 0 0 1-7-7L13 4a3.4 3.4 0 0 1 4.8 4.8L9.4 17.2a1.8 1.8 0 0 1-2.5-2.5L14.5 7" />
        </svg>
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        accept={ACCEPTED}
        data-testid="file-input"
        aria-label="Files to add"
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = ""; // the same one may be chosen again
        }}
      />
    </>
  );
}

export function Chips({ list, onRemoved }: { list: Attachments; onRemoved: () => void }) {
  if (list.entries.length === 0) return null;
  return (
    <ul class="chips" aria-label="Files for this message">
      {list.entries.map((entry) => (
        <Chip key={entry.key} list={list} entry={entry} onRemoved={onRemoved} />
      ))}
    </ul>
  );
}

function Chip({ list, entry, onRemoved }: { list: Attachments; entry: Attachment; onRemoved: () => void }) {
  const { key, name, size, state, progress, error, retryable } = entry;
  return (
    <li class={`chip-file ${state}`} data-testid="attachment" data-state={state}>
      <bdi class="chip-name">{name}</bdi>
      <span class="muted">{bytes(size)}</span>
      {state === "uploading" && <progress max={1} value={progress} aria-label={`Upload of ${name}`} />}
      {error !== null && (
        <span class="chip-error" role="alert">
          {error}
        </span>
      )}
      {retryable && state === "failed" && (
        <button type="button" class="quiet" data-testid="retry-file" aria-label={`Try ${name} again`} onClick={() => list.retry(key)}>
          Try again
        </button>
      )}
      <button
        type="button"
        class="quiet"
        data-testid="remove-file"
        aria-label={`Take ${name} out`}
        title="Take out"
        onClick={() => {
          list.remove(key);
          onRemoved();
        }}
      >
        <svg viewBox="0 0 24 24" width="14" height="14" aria-hidden="true">
          <path d="M6 6l12 12M18 6 6 18" />
        </svg>
      </button>
    </li>
  );
}

/** Takes files that are dropped anywhere on the page; true while some are held over it. */
export function useDrop(onFiles: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const hold = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault(); // else the browser would go to the file
      setOver(true);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const drop = (event: DragEvent) => {
      setOver(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      onFiles([...(event.dataTransfer?.files ?? [])]);
    };
    const listened: [string, (event: DragEvent) => void][] = [["dragover", hold], ["dragleave", leave], ["drop", drop]];
    for (const [name, listener] of listened) document.addEventListener(name, listener as EventListener);
    return () => {
      for (const [name, listener] of listened) document.removeEventListener(name, listener as EventListener);
    };
  }, [onFiles]);
  return over;
}
