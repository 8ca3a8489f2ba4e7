/** The pieces of a message: text, thinking, tool calls, files. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Markdown } from "../markdown/markdown";
import type { Chat } from "../state/chat";
import type { Part, ToolPart, ToolState } from "../state/contract";
import { ApprovalBox, approvalText } from "./approval";
import { FileView } from "./file";
import { json, seconds } from "./format";

interface Props {
  chat: Chat;
  part: Part;
  /** The text with the marks of its sources, if it has any. */
  marked: string | undefined;
  growing: boolean;
}

export function PartView({ chat, part, marked, growing }: Props) {
  switch (part.type) {
    case "text":
      return part.text === "" ? null : <Markdown text={marked ?? part.text} growing={growing} />;
    case "thinking":
      return part.text === "" ? null : <Thinking text={part.text} growing={growing} />;
    case "tool_call":
      return (
        <>
          <ToolCard call={part} />
          {part.asked && <ApprovalBox chat={chat} call={part} asked={part.asked} />}
        </>
      );
    case "file":
      return <FileView sessionId={chat.sessionId} file={part} />;
    default:
      return null; // a part of a newer hub
  }
}

function Thinking({ text, growing }: { text: string; growing: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="thinking" data-testid="thinking" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class={growing ? "busy" : undefined}>{growing ? "Thinking…" : "Thoughts"}</summary>
      {open && <div class="thinking-text">{text}</div>}
    </details>
  );
}

const STATES: Record<ToolState, string> = {
  pending: "Preparing",
  approval: "Waiting for approval",
  running: "Running",
  success: "Done",
  failed: "Failed",
  denied: "Not allowed",
  interrupted: "Interrupted",
  timed_out: "Took too long",
};

function ToolCard({ call }: { call: ToolPart }) {
  const [open, setOpen] = useState(false);
  const state = STATES[call.state] ?? call.state;
  const live = call.state === "running" || call.state === "pending";
  const { fraction, note, output } = call.progress ?? {};
  return (
    <>
      <details
        class={`tool tool-${call.state}`}
        data-testid="tool-card"
        data-state={call.state}
        onToggle={(event) => setOpen(event.currentTarget.open)}
      >
        <summary>
          <span class={live ? "dot busy" : "dot"} aria-hidden="true" />
          <span class="tool-title">{call.title || call.name}</span>
          {call.host && call.host !== "server" && (
            <bdi class="muted tool-host" data-testid="tool-host">
              in {call.hostName || "a client"}
            </bdi>
          )}
          <span class="tool-state" data-testid="tool-state">
            {state}
            {call.durationMs != null && ` · ${seconds(call.durationMs)}`}
          </span>
          <svg class="tool-fold" viewBox="0 0 24 24" width="14" height="14" aria-hidden="true">
            <path d="m6 9 6 6 6-6" />
          </svg>
          {live && (fraction != null || note) && (
            <span class="tool-progress" data-testid="tool-progress">
              <progress max={1} {...(fraction != null ? { value: fraction } : {})} aria-label={`Progress of ${call.name}`} />
              {note && <span class="muted">{note}</span>}
            </span>
          )}
        </summary>
        {open && <ToolDetails call={call} />}
      </details>
      {live && output && <Output text={output} />}
    </>
  );
}

/** What a call has put out so far: its end is in sight, unless the user has scrolled up. */
function Output({ text }: { text: string }) {
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (box.current !== null && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return (
    <pre
      ref={box}
      class="tool-output"
      data-testid="tool-output"
      tabIndex={0}
      aria-label="What it has put out"
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 8;
      }}
    >
      {text}
    </pre>
  );
}

function ToolDetails({ call }: { call: ToolPart }) {
  const given = call.arguments != null ? json(call.arguments) : call.input;
  return (
    <div class="tool-details">
      {call.title && call.title !== call.name && <p class="muted">{call.name}</p>}
      {given && (
        <section>
          <h4>Arguments</h4>
          <pre tabIndex={0}>{given}</pre>
        </section>
      )}
      {call.result != null && (
        <section>
          <h4>Result{call.cut ? " (its beginning)" : ""}</h4>
          <pre tabIndex={0}>{json(call.result)}</pre>
        </section>
      )}
      {call.approval?.by && <p class="muted">{approvalText(call.approval)}</p>}
      {call.error && <p class="problem">{call.error}</p>}
    </div>
  );
}
