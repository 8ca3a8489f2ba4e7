/** A call that waits for somebody to allow it: what, why, and the answer, with other arguments where the user likes. */

import { useEffect, useState } from "preact/hooks";
import type { Chat } from "../state/chat";
import type { Approval, Asked, Json, Scope, ToolPart } from "../state/contract";
import { json, when } from "./format";

const SCOPES: Record<Scope, string> = {
  call: "this call",
  run: "this tool, until the answer ends",
  session: "this tool, in this chat",
};

export function ApprovalBox({ chat, call, asked }: { chat: Chat; call: ToolPart; asked: Asked }) {
  const given = JSON.stringify(call.arguments ?? {}, null, 2);
  const [edited, setEdited] = useState<string | null>(null);
  const [scope, setScope] = useState<Scope>("call");
  const [reason, setReason] = useState("");
  const [sent, setSent] = useState(false);
  const [refused, setRefused] = useState(false);
  const read = edited === null ? null : readArguments(edited);
  const attempt = asked.attempt ?? 1;

  // It is asked again: edited arguments that were taken are shown as such, those that were not stay to be mended.
  useEffect(() => {
    const isTaken = read !== null && "value" in read && sorted(read.value) === sorted(call.arguments);
    setScope("call");
    setReason("");
    setRefused(edited !== null && !isTaken);
    if (isTaken) setEdited(null);
  }, [attempt]);

  const answer = (approve: boolean) => {
    setSent(true);
    const said = approve
      ? { approve, scope, attempt, ...(read && "value" in read ? { arguments: read.value } : {}) }
      : { approve, attempt, ...(reason.trim() ? { reason: reason.trim() } : {}) };
    // Whatever comes of it is told by the events; a failure leaves the question open.
    void chat.resolveApproval(call.callId, said).finally(() => setSent(false));
  };

  return (
    <section class="approval" data-testid="approval" data-attempt={attempt} aria-label={`Approval of ${callName(call)}`}>
      <p data-testid="approval-reason" class={refused ? "problem" : undefined}>
        {asked.reason}
      </p>
      {edited === null ? (
        <pre tabIndex={0} data-testid="approval-arguments">
          {json(call.arguments ?? {})}
        </pre>
      ) : (
        <textarea
          data-testid="approval-editor"
          aria-label={`Arguments of ${call.name}, as JSON`}
          aria-invalid={read !== null && "problem" in read}
          spellcheck={false}
          rows={Math.min(16, edited.split("\n").length + 1)}
          value={edited}
          onInput={(event) => setEdited(event.currentTarget.value)}
        />
      )}
      {read !== null && "problem" in read && (
        <p class="problem" data-testid="approval-problem">
          {read.problem}
        </p>
      )}
      <div class="approval-choices">
        <button
          type="button"
          class="allow"
          data-testid="approve"
          disabled={sent || (read !== null && "problem" in read)}
          onClick={() => answer(true)}
        >
          {edited === null ? "Allow" : "Allow as edited"}
        </button>
        <select
          data-testid="approval-scope"
          aria-label="What is allowed"
          value={scope}
          onChange={(event) => setScope(event.currentTarget.value as Scope)}
        >
          {Object.entries(SCOPES).map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
        <button type="button" data-testid="edit-arguments" onClick={() => setEdited(edited === null ? given : null)}>
          {edited === null ? "Edit" : "Discard edit"}
        </button>
        <button type="button" data-testid="deny" disabled={sent} onClick={() => answer(false)}>
          Deny
        </button>
        <input
          data-testid="deny-reason"
          aria-label="Why it is denied, for the model"
          placeholder="Why not (optional)"
          maxLength={2000}
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
        <span class="muted">until {when(asked.expiresAt, Date.now())}</span>
      </div>
    </section>
  );
}

function callName({ title, name, hostName }: ToolPart): string {
  return `${title || name}${hostName ? ` in ${hostName}` : ""}`;
}

export function approvalText({ approve, by, scope }: Approval): string {
  const more = approve && scope && scope !== "call" ? `, for ${SCOPES[scope]}` : "";
  return `${approve ? "Allowed" : "Denied"} by ${by}${more}`;
}

/** The value's JSON, whatever order its fields come in: on the way to the hub and back it may change. */
function sorted(value: Json | undefined): string | undefined {
  const isObject = (inner: Json): inner is { [key: string]: Json } => typeof inner === "object" && inner !== null && !Array.isArray(inner);
  return JSON.stringify(value, (_, inner: Json) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

type Read = { value: Json } | { problem: string };

function readArguments(text: string): Read {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    return { problem: `This is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { problem: "The arguments must be an object: { … }." };
  return { value };
}
