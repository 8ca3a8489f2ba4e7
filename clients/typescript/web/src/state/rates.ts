/** How fast an answer comes: estimated from characters while it streams, the hub's own figures once it is done. */

import type { Timing, Usage } from "./contract";

/** Rough for English text and code; good enough for a figure that is marked as estimated. */
const CHARS_PER_TOKEN = 4;
/** Below this a rate says more about rounding than about speed. */
const MIN_SPAN_MS = 250;

/** What has been seen of a running answer; times are the hub's, in milliseconds since 1970. */
export interface Pace {
  /** Absent when the start was not seen (a snapshot came in mid-answer). */
  startedAt?: number;
  firstAt?: number;
  lastAt?: number;
  /** Characters that came after the first delta, whose own generation time is not known. */
  chars: number;
}

export interface Rates {
  firstDeltaMs?: number;
  tokensPerSecond?: number;
  outputTokens?: number;
  estimated: boolean;
}

export function paceAfter(pace: Pace, chars: number, time: number): Pace {
  if (pace.firstAt === undefined) return { ...pace, firstAt: time, lastAt: time };
  return { ...pace, lastAt: Math.max(time, pace.lastAt ?? time), chars: pace.chars + chars };
}

export function liveRates(pace: Pace): Rates {
  if (pace.firstAt === undefined) return { estimated: true };
  const rates: Rates = { estimated: true };
  if (pace.startedAt !== undefined) rates.firstDeltaMs = Math.max(0, pace.firstAt - pace.startedAt);
  const span = (pace.lastAt ?? pace.firstAt) - pace.firstAt;
  if (span >= MIN_SPAN_MS) rates.tokensPerSecond = (pace.chars / CHARS_PER_TOKEN / span) * 1000;
  return rates;
}

export function finalRates(timing: Timing, usage: Usage): Rates {
  const rates: Rates = { estimated: usage.estimated, outputTokens: usage.outputTokens };
  if (timing.firstDeltaMs != null) rates.firstDeltaMs = timing.firstDeltaMs;
  if (timing.tokensPerSecond != null) {
    rates.tokensPerSecond = timing.tokensPerSecond;
  } else {
    const span = timing.totalMs - (timing.firstDeltaMs ?? timing.totalMs);
    if (span >= MIN_SPAN_MS) rates.tokensPerSecond = (usage.outputTokens / span) * 1000;
  }
  return rates;
}
