import { expect, it } from "vitest";
import { finalRates, liveRates, type Pace, paceAfter } from "../../src/state/rates";

const USAGE = { inputTokens: 1, outputTokens: 200, cacheReadTokens: 0, cacheWriteTokens: 0, estimated: false };

it("knows the time to the first delta from the first one on", () => {
  const pace: Pace = { startedAt: 1000, chars: 0 };
  expect(liveRates(pace)).toEqual({ estimated: true });
  expect(liveRates(paceAfter(pace, 5, 1400))).toEqual({ estimated: true, firstDeltaMs: 400 });
});

it("estimates the rate from what came after the first delta", () => {
  let pace: Pace = { startedAt: 1000, chars: 0 };
  for (let time = 2000; time <= 4000; time += 100) pace = paceAfter(pace, 20, time);
  // 20 deltas of 20 characters in 2 s, 4 characters each token.
  expect(liveRates(pace).tokensPerSecond).toBeCloseTo(50);
});

it("says nothing of the rate before there is a span to divide by", () => {
  const pace = paceAfter(paceAfter({ startedAt: 0, chars: 0 }, 9, 100), 9, 101);
  expect(liveRates(pace).tokensPerSecond).toBeUndefined();
});

it("says nothing of a start that was not seen", () => {
  expect(liveRates(paceAfter({ chars: 0 }, 3, 500)).firstDeltaMs).toBeUndefined();
});

it("takes the hub's figures once it is done", () => {
  const timing = { queuedMs: 1, firstDeltaMs: 300, totalMs: 4300, tokensPerSecond: 51 };
  expect(finalRates(timing, USAGE)).toEqual({ estimated: false, outputTokens: 200, firstDeltaMs: 300, tokensPerSecond: 51 });
});

it("works the rate out where the hub gives none", () => {
  expect(finalRates({ queuedMs: 0, firstDeltaMs: 300, totalMs: 4300 }, USAGE).tokensPerSecond).toBeCloseTo(50);
  expect(finalRates({ queuedMs: 0, totalMs: 10 }, USAGE)).toEqual({ estimated: false, outputTokens: 200 });
});
