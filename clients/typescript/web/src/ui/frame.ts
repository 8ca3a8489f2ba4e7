import type { Frame } from "../state/store";

const HIDDEN_MS = 250;

/** Once per painted frame; by a timer while the page is hidden, where no frames are. */
export function pageFrame(): Frame {
  const waiting = new Set<() => void>();
  const runAll = () => {
    const all = [...waiting];
    waiting.clear();
    for (const run of all) run();
  };
  const ask = () => {
    if (document.hidden) setTimeout(runAll, HIDDEN_MS);
    else requestAnimationFrame(runAll);
  };
  // A frame that was asked for just before hiding would come only on return.
  document.addEventListener("visibilitychange", () => waiting.size > 0 && ask());
  return (run) => {
    waiting.add(run);
    if (waiting.size === 1) ask();
  };
}
