/** Figures and objects as short text. */

import type { Json } from "../state/contract";
import type { Rates } from "../state/rates";

const MAX_JSON_CHARS = 20_000;

export function seconds(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export function ratesText(rates: Rates): string {
  const about = rates.estimated ? "≈ " : "";
  const parts: string[] = [];
  if (rates.firstDeltaMs !== undefined) parts.push(`first text after ${seconds(rates.firstDeltaMs)}`);
  if (rates.tokensPerSecond !== undefined) parts.push(`${about}${Math.round(rates.tokensPerSecond)} tokens/s`);
  if (rates.outputTokens !== undefined && rates.outputTokens > 0) parts.push(`${about}${rates.outputTokens} tokens`);
  return parts.join(" · ");
}

export function json(value: Json): string {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return text.length > MAX_JSON_CHARS ? `${text.slice(0, MAX_JSON_CHARS)}\n… (${text.length} characters)` : text;
}

export function when(time: number, now: number): string {
  const date = new Date(time);
  const sameDay = new Date(now).toDateString() === date.toDateString();
  return sameDay
    ? date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString(undefined, { month: "short", day: "numeric" });
}
