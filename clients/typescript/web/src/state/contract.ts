/** The contract's objects and events (design, section 3.4), as they come over the wire. Unknown fields may follow. */

export type Role = "user" | "assistant";
export type Autonomy = "ask" | "agent-default" | "agent-yolo" | "auto";
export type Outcome = "completed" | "stopped" | "failed" | "interrupted" | "limit";
export type ToolOutcome = "success" | "failed" | "denied" | "interrupted" | "timed_out";
export type ToolState = "pending" | "approval" | "running" | ToolOutcome;
export type Status =
  | "queued"
  | "streaming"
  | "complete"
  | "stopped"
  | "failed"
  | "interrupted"
  | "limit"
  | "superseded";
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What a passage of an answer rests on. `start` and `end` count UTF-16 code units; without them it is the whole text. */
export interface Citation {
  source: "document" | "web";
  title?: string | null;
  url?: string | null;
  fileId?: string | null;
  quote?: string | null;
  page?: number | null;
  endPage?: number | null;
  start?: number | null;
  end?: number | null;
}
export interface TextPart {
  type: "text";
  text: string;
  citations?: Citation[];
}
export interface ThinkingPart {
  type: "thinking";
  text: string;
}
export interface Progress {
  fraction?: number | null;
  note?: string | null;
  /** What the tool has put out so far, or its end. */
  output?: string | null;
}
export type Scope = "call" | "run" | "session";
/** That a call was asked about, and the answer once there is one. */
export interface Approval {
  attempt?: number;
  approve?: boolean | null;
  by?: string | null;
  scope?: Scope | null;
}
/** What is asked about a call that waits. */
export interface Asked {
  reason: string;
  expiresAt: number;
  /** Which time it is asked: again after edited arguments that need it. */
  attempt?: number;
}
export interface ToolPart {
  type: "tool_call";
  callId: string;
  name: string;
  title?: string | null;
  arguments?: Json;
  state: ToolState;
  progress?: Progress | null;
  result?: Json;
  error?: string | null;
  access?: "read" | "write";
  host?: string;
  /** What the client of `host` calls itself. */
  hostName?: string | null;
  durationMs?: number | null;
  /** The result was cut to its beginning. */
  cut?: boolean;
  approval?: Approval | null;
  /** The viewer's own: the arguments' JSON as far as it has been generated. */
  input?: string;
  /** The viewer's own, while the state is "approval". */
  asked?: Asked;
}
export interface FilePart {
  type: "file";
  fileId: string;
  name: string;
  mediaType: string;
  size: number;
}
export type Part = TextPart | ThinkingPart | ToolPart | FilePart;

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  estimated: boolean;
  cost?: number | null;
}
export interface Timing {
  queuedMs: number;
  firstDeltaMs?: number | null;
  totalMs: number;
  tokensPerSecond?: number | null;
}
export interface RunError {
  code: string;
  message: string;
  retryable: boolean;
  retryAfterS?: number | null;
}
export interface Message {
  messageId: string;
  role: Role;
  author: string;
  parts: Part[];
  status: Status;
  runId?: string | null;
  createdAt: number;
  provider?: string | null;
  /** The message that this one replaced. */
  edited?: string | null;
  rating?: { score: number; comment?: string | null } | null;
  /** These three on answers that are done. */
  usage?: Usage | null;
  timing?: Timing | null;
  error?: RunError | null;
}
export interface Session {
  sessionId: string;
  title: string;
  owner: string;
  participants: { user: string; role: string }[];
  provider: string;
  model: string;
  system: string;
  autonomy: Autonomy;
  tags: string[];
  createdAt: number;
  updatedAt: number;
  running: boolean;
  usage: Usage;
}
/** The run under way, in a snapshot. */
export interface ActiveRun {
  runId: string;
  messageId: string;
  replyTo: string;
  provider: string;
  model: string;
  startedAt?: number;
  message?: Message | null;
  pendingApprovals?: ({ callId: string } & Asked)[];
}

export interface SnapshotEvent {
  type: "snapshot";
  epoch: string;
  offset: number;
  session: Session;
  messages: Message[];
  hasMore: boolean;
  run?: ActiveRun | null;
  time: number;
}

interface InRun {
  runId: string;
}
interface InPart extends InRun {
  messageId: string;
  part: number;
}
interface OfCall extends InRun {
  callId: string;
}
type Kinds = {
  message: { message: Message };
  message_queued: InRun & { messageId: string; place: number };
  run_started: InRun & { messageId: string; replyTo: string; provider: string; model: string; epoch: string };
  step: InRun & { index: number };
  text: InPart & { delta: string; citations?: Citation[] };
  thinking: InPart & { delta: string };
  tool_start: InPart & {
    callId: string;
    name: string;
    title?: string | null;
    access: "read" | "write";
    host: string;
    hostName?: string | null;
  };
  tool_input: OfCall & { delta?: string | null; arguments?: Json };
  approval_needed: OfCall & Asked & { arguments: Json; preview?: Json };
  approval_resolved: OfCall & { approve: boolean; arguments: Json; by: string; scope: Scope };
  tool_progress: OfCall & Progress;
  tool_complete: OfCall & { outcome: ToolOutcome; result?: Json; error?: string | null; durationMs: number };
  file: InPart & { fileId: string; name: string; mediaType: string; size: number };
  /** `fallback_provider` names who answers instead. */
  notice: { code: string; text: string; runId?: string | null; provider?: string | null; model?: string | null };
  custom: { name: string; value: Json; runId?: string | null };
  done: InRun & {
    messageId: string;
    outcome: Outcome;
    finishReason?: string | null;
    error?: RunError | null;
    usage: Usage;
    timing: Timing;
    stoppedBy?: string | null;
  };
  session: { session: Partial<Session> };
};
/** What a journal holds. Types that are not listed may come and are ignored. */
export type JournalEvent = { [K in keyof Kinds]: { type: K; time: number; offset: number } & Kinds[K] }[keyof Kinds];
export type SessionEvent = SnapshotEvent | JournalEvent;

/** Everything up to and with `offset`, in the numbering `epoch`. */
export interface Position {
  epoch: string;
  offset: number;
}

/** An item of `WatchSessions`, and of `ListSessions`. */
export interface SessionRow {
  sessionId: string;
  title: string;
  running: boolean;
  unread?: boolean | number | null;
  updatedAt: number;
}
export type SessionChange = (SessionRow & { deleted?: false }) | { sessionId: string; deleted: true };

/** The answer of `OpenSession`, as far as it is used. */
export interface Opened {
  limits?: { fileBytes?: number };
}
export interface Accepted {
  runId: string;
  messageId: string;
  epoch: string;
  offset: number;
  state: "started" | "queued";
}
/** What a user says to a call that waits. */
export interface ApprovalAnswer {
  approve: boolean;
  arguments?: Json;
  reason?: string;
  scope?: Scope;
  attempt?: number;
}
export interface Resolved {
  accepted: boolean;
  resolution: { approve: boolean; by: string; scope: Scope };
}
export interface Stopped {
  runIds: string[];
  outcome: "stopping" | "remembered" | "already_done" | "nothing_running";
}
