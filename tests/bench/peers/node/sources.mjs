// What the Node servers share: their sources of events and how they start.

import { setImmediate, setTimeout } from "node:timers/promises";

function text(filler) {
  return process.hrtime.bigint().toString().padStart(16, "0") + filler;
}

async function source(emit, perSecond, seconds, filler, delay) {
  const begin = performance.now() + delay;
  const end = begin - delay + seconds * 1000;
  if (perSecond === 0) {
    while (performance.now() < end) {
      emit(text(filler));
      await setImmediate();
    }
    return;
  }
  // Due times are counted from the beginning, so that a late timer delays one event and not all after it.
  for (let n = 0, due = begin; due < end; due = begin + (++n * 1000) / perSecond) {
    const wait = due - performance.now();
    if (wait > 0) await setTimeout(wait);
    emit(text(filler));
  }
}

/** Runs `streams` sources at the same time, spread evenly over their period; source i calls emit("s<i>", text). */
export async function stream(emit, streams, perSecond, seconds, characters) {
  const filler = "x".repeat(Math.max(0, characters - 16));
  await Promise.all(
    Array.from({ length: streams }, (_, i) => {
      const delay = perSecond === 0 ? 0 : (i * 1000) / (perSecond * streams);
      return source((text) => emit(`s${i}`, text), perSecond, seconds, filler, delay);
    }),
  );
}

/** The number behind --port. */
export function port() {
  return Number(process.argv[process.argv.indexOf("--port") + 1]);
}

export function ready() {
  console.log(`ready ${port()}`);
}
