/** What went wrong, in the contract's terms (design, section 3.2): `[code] one sentence (retry after N s)`. */

export interface CallFailure {
  /** The contract's code; null for SignalR's own texts. */
  code: string | null;
  text: string;
  retryAfterS?: number;
  /** The connection went away before the answer: whether the call was done is not known. */
  lost: boolean;
}

export const NO_SUCH_CHAT = "This chat does not exist or was deleted.";
/** Where the hub's sentence speaks to those who write clients: one for those who read the page. */
const PLAIN: Record<string, string> = { session_not_found: NO_SUCH_CHAT };

/** As SignalR says it. */
export const LOST = "Invocation canceled due to the underlying connection being closed.";

const CODED = /^\[([a-z_]+)\] (.*?)(?: \(retry after (\d+) s\))?$/s;
const IS_LOST = /underlying connection being closed|not in the 'Connected' State|connection was stopped|WebSocket/i;

export function callFailure(error: unknown): CallFailure {
  const raw = error instanceof Error ? error.message : String(error);
  const coded = CODED.exec(raw);
  if (coded === null) return { code: null, text: raw, lost: IS_LOST.test(raw) };
  const code = coded[1] ?? null;
  const failure: CallFailure = { code, text: PLAIN[code ?? ""] ?? coded[2] ?? raw, lost: false };
  if (coded[3] !== undefined) failure.retryAfterS = Number(coded[3]);
  return failure;
}

/** What the hub's problem says, as a call of the hub would have. */
export function problemOf(status: number, body: string, retryAfter: string | null): Error {
  let problem: { code?: string; detail?: string } = {};
  try {
    problem = JSON.parse(body) as typeof problem;
  } catch {
    // Not the hub's answer: a proxy's.
  }
  const again = retryAfter === null ? "" : ` (retry after ${retryAfter} s)`;
  return new Error(`[${problem.code ?? "unavailable"}] ${problem.detail ?? `The hub answered with ${status}.`}${again}`);
}

/** The hub was asked well and could not answer now: the same call may work later. */
export function mayWorkLater(failure: CallFailure): boolean {
  return failure.lost || ["backplane_away", "unavailable", "rate_limited"].includes(failure.code ?? "");
}

export interface Refusal {
  text: string;
  /** Trying again by itself would not help. */
  final: boolean;
  /** A token would. */
  signIn?: true;
}

/** One sentence for a connection that could not be opened. */
export function connectFailure(error: unknown): Refusal {
  const raw = error instanceof Error ? error.message : String(error);
  const status = Number(/Status code '(\d{3})'/.exec(raw)?.[1] ?? 0);
  if (status === 401) return { final: true, signIn: true, text: "This hub asks for a token (401)." };
  if (status === 403) return { final: true, text: "This hub does not let you in from here (403)." };
  if (status === 404) return { final: false, text: "There is no hub at this address (404)." };
  if (status === 429) return { final: false, text: "The hub has too many connections from here (429)." };
  if (status > 0) return { final: false, text: `The hub does not take connections now (${status}).` };
  return { final: false, text: "The hub cannot be reached." };
}
