/** What to try, where nothing was said yet. */

import type { Chat } from "../state/chat";
import { addressSession } from "./browser";

const TABLE = `Summarise this table:

month,orders,revenue,returns
January,412,18540,21
February,388,17110,18
March,467,21480,25
April,502,23090,19
May,549,25990,31
June,531,24870,22`;

const EXAMPLES = [
  { title: "Summarise a table", hint: "A small CSV, with tools at work", prompt: TABLE },
  { title: "Write a long text about lighthouses", hint: "To try Stop, a reload, a second tab", prompt: "Write a long text about lighthouses." },
  { title: "What can you do?", hint: "A short answer", prompt: "What can you do?" },
];

export function Empty({ chat }: { chat: Chat }) {
  return (
    <div class="empty" data-testid="empty">
      <h2>What shall we look at?</h2>
      <p class="muted">Ask anything below, paste a table, or begin with one of these.</p>
      <div class="examples">
        {EXAMPLES.map(({ title, hint, prompt }) => (
          <button
            key={title}
            type="button"
            data-testid="example"
            onClick={() => {
              if (chat.send(prompt)) addressSession(chat.sessionId, "replace");
            }}
          >
            <strong>{title}</strong>
            <span class="muted">{hint}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
