/** The page: list of chats, open chat, composer. */

import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import type { MessageView } from "../state/transcript";
import { Announcer } from "./announcer";
import { addressedSession, addressSession } from "./browser";
import { Composer } from "./composer";
import { ConnectionBar, Header } from "./header";
import { useViewer, useWatched } from "./hooks";
import { Writing } from "./people";
import { StickToEnd } from "./scroll";
import { Sidebar } from "./sidebar";
import { TranscriptView } from "./transcript";

export function App() {
  const viewer = useViewer();
  const chat = useWatched(viewer.subscribe, () => viewer.chat);
  const stick = useMemo(() => new StickToEnd(), []);
  const [editing, setEditing] = useState<MessageView | null>(null);
  const [menu, setMenu] = useState(false);

  useEffect(() => setEditing(null), [chat]);
  useAddress();
  useEscape(editing !== null, () => setEditing(null));

  const open = useCallback(
    (sessionId: string | null) => {
      viewer.open(sessionId);
      addressSession(sessionId, "push");
      setMenu(false);
    },
    [viewer],
  );
  return (
    <div class={menu ? "app menu-open" : "app"}>
      <Sidebar current={chat.sessionId} onOpen={open} />
      <button type="button" class="scrim" aria-label="Close the list of chats" tabIndex={menu ? 0 : -1} onClick={() => setMenu(false)} />
      <main>
        <Header chat={chat} onMenu={() => setMenu(!menu)} />
        <ConnectionBar />
        <TranscriptView key={chat.sessionId} chat={chat} stick={stick} onEdit={setEditing} />
        <div class="foot">
          <JumpToEnd stick={stick} />
          <div class="foot-lane">
            <div class="foot-column">
              <Complaint />
              <Writing chat={chat} />
              <Composer chat={chat} editing={editing} onEdited={() => setEditing(null)} onSent={stick.toEnd} />
            </div>
          </div>
        </div>
        <Announcer store={chat.store} />
      </main>
    </div>
  );
}

/** Back, forward, and an address typed in. */
function useAddress(): void {
  const viewer = useViewer();
  useEffect(() => {
    const follow = () => viewer.open(addressedSession());
    addEventListener("popstate", follow);
    return () => removeEventListener("popstate", follow);
  }, [viewer]);
}

/** Escape leaves an edit, else stops the answer; from anywhere, unless something nearer took the key. */
function useEscape(editing: boolean, leave: () => void): void {
  const viewer = useViewer();
  // Before it is painted: who sees the edit may press the key.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
      if (editing) leave();
      else void viewer.chat.stop();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [viewer, editing]);
}

function JumpToEnd({ stick }: { stick: StickToEnd }) {
  const stuck = useWatched(stick.subscribe, () => stick.stuck);
  if (stuck) return null;
  return (
    <button type="button" class="jump" data-testid="jump" onClick={stick.toEnd}>
      ↓ To the latest
    </button>
  );
}

function Complaint() {
  const viewer = useViewer();
  const text = useWatched(viewer.subscribe, () => viewer.complaint);
  return (
    <div role="alert">
      {text !== null && (
        <p class="bar" data-testid="complaint">
          <span>{text}</span>
          <button type="button" class="quiet" onClick={() => viewer.complain(null)}>
            Dismiss
          </button>
        </p>
      )}
    </div>
  );
}
