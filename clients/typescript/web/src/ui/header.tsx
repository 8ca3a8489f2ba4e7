/** The open session's title and settings, and how the connection is. */

import { useEffect, useState } from "preact/hooks";
import type { Chat } from "../state/chat";
import type { Autonomy } from "../state/contract";
import type { LinkState } from "../state/connection";
import { addressSession } from "./browser";
import { HintChip } from "./hint";
import { useViewer, useWatched } from "./hooks";
import { People } from "./people";
import { SignIn } from "./signin";

/** The mode itself is the badge: approvals, the API and the documentation call it so. */
const AUTONOMY: Record<Autonomy, string> = {
  ask: "Every tool call needs approval",
  "agent-default": "Reading tools run, writing ones need approval",
  "agent-yolo": "All tools run without asking",
  auto: "All tools run without asking",
};

const LINKS: Record<LinkState, string> = {
  connecting: "Connecting",
  online: "Online",
  reconnecting: "Reconnecting",
  offline: "Offline",
};

export function Header({ chat, onMenu }: { chat: Chat; onMenu: () => void }) {
  const viewer = useViewer();
  const session = useWatched(chat.store.subscribeHead, () => chat.store.transcript.session);
  const gone = useWatched(chat.subscribe, () => chat.gone) !== null;
  const [mode, setMode] = useState<"show" | "rename" | "delete">("show");
  useEffect(() => setMode("show"), [chat]);
  useEffect(() => {
    document.title = session ? `${session.title || "Untitled"} · Hubline` : "Hubline";
  }, [session]);
  const back = () => setMode("show");
  const remove = async () => {
    back();
    if (await viewer.remove(chat.sessionId)) addressSession(null, "replace");
  };
  return (
    <header class={`header ${mode}`}>
      <button type="button" class="icon menu" aria-label="Chats" data-testid="menu" onClick={onMenu}>
        <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
          <path d="M4 7h16M4 12h16M4 17h10" />
        </svg>
      </button>
      <div class="heading">
        {mode === "rename" && session ? (
          <Rename title={session.title} onDone={(title) => (back(), title !== null && void chat.rename(title))} />
        ) : (
          <h1 data-testid="title" dir="auto">{session ? session.title || "Untitled" : gone ? "Chat not found" : "New chat"}</h1>
        )}
        {session && (
          <p class="muted settings">
            <span data-testid="model">
              {session.provider === session.model ? session.model : `${session.provider} · ${session.model}`}
            </span>
            <AutonomyChip autonomy={session.autonomy} />
            <People chat={chat} />
          </p>
        )}
      </div>
      {session && !gone && mode === "show" && (
        <>
          <IconButton label="Rename" testid="rename" path="m4 20 1-4L16 5l3 3L8 19l-4 1M14 7l3 3" onClick={() => setMode("rename")} />
          <IconButton label="Delete" testid="delete" path="M5 7h14M10 4h4M7 7l1 13h8l1-13M10 11v5M14 11v5" onClick={() => setMode("delete")} />
        </>
      )}
      {session && mode === "delete" && (
        <span class="confirm" role="alertdialog" aria-label="Delete this chat?">
          <span>Delete for good?</span>
          <button type="button" class="danger" data-testid="confirm-delete" onClick={remove}>
            Delete
          </button>
          <button type="button" class="quiet" ref={(button) => button?.focus()} onClick={back}>
            Keep
          </button>
        </span>
      )}
      <ConnectionState />
    </header>
  );
}

/** What the agent may do by itself; pressed, it says so in a sentence. */
function AutonomyChip({ autonomy }: { autonomy: Autonomy }) {
  const hint = AUTONOMY[autonomy] ?? "";
  return <HintChip label={autonomy} testid="autonomy" title={hint} hint={hint && `${hint}.`} />;
}

function IconButton(props: { label: string; testid: string; path: string; onClick: () => void }) {
  return (
    <button type="button" class="quiet" title={props.label} aria-label={props.label} data-testid={props.testid} onClick={props.onClick}>
      <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
        <path d={props.path} />
      </svg>
    </button>
  );
}

function Rename({ title, onDone }: { title: string; onDone: (title: string | null) => void }) {
  const [text, setText] = useState(title);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onDone(text.trim() || null);
      }}
    >
      <input
        value={text}
        aria-label="Title"
        dir="auto"
        data-testid="rename-input"
        maxLength={200}
        ref={(input) => input?.focus()}
        onInput={(event) => setText(event.currentTarget.value)}
        onBlur={() => onDone(null)}
        onKeyDown={(event) => event.key === "Escape" && (event.preventDefault(), event.stopPropagation(), onDone(null))}
      />
    </form>
  );
}

function ConnectionState() {
  const { connection } = useViewer();
  const { state, signIn } = useWatched(connection.subscribe, () => connection.link);
  const text = signIn ? "Signed out" : LINKS[state];
  return (
    <span class={`link link-${state}`} data-testid="connection-state" data-state={state} title={text}>
      <span class="dot" aria-hidden="true" />
      <span class="link-text">{text}</span>
    </span>
  );
}

/** Why nothing moves, or moves in another way, in a sentence; empty while all is well. */
export function ConnectionBar() {
  const { connection } = useViewer();
  const { state, reason, final, signIn } = useWatched(connection.subscribe, () => connection.link);
  const shown = state !== "online" && (reason !== null || state === "reconnecting");
  if (signIn) return <SignIn />;
  return (
    <div role={final ? "alert" : "status"} class="bars">
      {state === "online" && reason !== null && (
        <p class="bar" data-testid="connection-note">
          <span>{reason}</span>
        </p>
      )}
      {shown && (
        <p class="bar" data-testid="connection-bar">
          <span>{reason ?? "The connection was lost."}</span>
          {!final && <span class="muted"> Trying again. What you write is kept.</span>}
          <button type="button" class="quiet" data-testid="retry-now" onClick={connection.retryNow}>
            Try now
          </button>
        </p>
      )}
    </div>
  );
}
