/** The user's chats, live. */

import type { SessionRow } from "../state/contract";
import { when } from "./format";
import { memo, useViewer, useWatched } from "./hooks";

export function Sidebar({ current, onOpen }: { current: string; onOpen: (sessionId: string | null) => void }) {
  const { sessions } = useViewer();
  const rows = useWatched(sessions.subscribe, () => sessions.rows);
  return (
    <nav class="sidebar" aria-label="Chats">
      <button type="button" class="new-chat" data-testid="new-chat" onClick={() => onOpen(null)}>
        <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
          <path d="M12 5v14M5 12h14" />
        </svg>
        New chat
      </button>
      <ul>
        {rows.map((row) => (
          <Row key={row.sessionId} row={row} current={row.sessionId === current} onOpen={onOpen} />
        ))}
      </ul>
      {sessions.loaded && rows.length === 0 && <p class="muted centred">Your chats will be here.</p>}
      {sessions.hasMore && (
        <button type="button" class="older" data-testid="more-sessions" onClick={() => void sessions.loadMore()}>
          Show more
        </button>
      )}
    </nav>
  );
}

interface RowProps {
  row: SessionRow;
  current: boolean;
  onOpen: (sessionId: string | null) => void;
}

const Row = memo(({ row, current, onOpen }: RowProps) => {
  const title = row.title || "Untitled";
  const unread = !current && Boolean(row.unread);
  return (
    <li>
      <button
        type="button"
        class="session"
        data-testid="session-item"
        data-session={row.sessionId}
        aria-current={current ? "page" : undefined}
        onClick={() => onOpen(row.sessionId)}
      >
        <span class={unread ? "session-title unread" : "session-title"} dir="auto">{title}</span>
        {row.running ? (
          <span class="dot busy" title="Answering" role="img" aria-label="Answering" />
        ) : (
          <span class="muted">{when(row.updatedAt, Date.now())}</span>
        )}
        {unread && <span class="visually-hidden">(unread)</span>}
      </button>
    </li>
  );
});
