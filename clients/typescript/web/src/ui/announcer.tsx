/** Says to screen readers where an answer begins, waits for them and ends; the text itself is theirs to read in their own time. */

import { useEffect, useState } from "preact/hooks";
import type { Status } from "../state/contract";
import type { SessionStore } from "../state/store";

const CLEAR_MS = 4000;
const ENDED: Partial<Record<Status, string>> = {
  complete: "Answer complete.",
  stopped: "Answer stopped.",
  failed: "The answer failed.",
  interrupted: "The answer was interrupted.",
  limit: "The answer reached a limit.",
};

export function Announcer({ store }: { store: SessionStore }) {
  const [text, setText] = useState("");
  useEffect(
    () =>
      store.boundaries.add((boundary) => {
        if (boundary.kind === "ended") setText(ENDED[boundary.status] ?? "Answer ended.");
        else setText(boundary.kind === "started" ? "Answer started." : "A tool call waits for approval.");
      }),
    [store],
  );
  useEffect(() => {
    if (text === "") return;
    const timer = setTimeout(() => setText(""), CLEAR_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="visually-hidden" role="status" aria-live="polite" data-testid="announcer">
      {text}
    </div>
  );
}
