/** Copying for whoever presses a Copy button. */

import { useState } from "preact/hooks";

const SHOWN_MS = 1500;
const SAYS = { no: "Copy", yes: "Copied", failed: "Could not copy" };

/** A copy button's label and what pressing it does. */
export function useCopy(text: () => string): { label: string; copy: () => void } {
  const [done, setDone] = useState<keyof typeof SAYS>("no");
  const show = (outcome: "yes" | "failed") => {
    setDone(outcome);
    setTimeout(() => setDone("no"), SHOWN_MS);
  };
  const copy = () => void write(text()).then(() => show("yes"), () => show("failed"));
  return { label: SAYS[done], copy };
}

/** Browsers lack the clipboard's interface on plain http, as with a hub in the local network, and may refuse it. */
async function write(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copySelected(text);
  }
}

function copySelected(text: string): void {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.style.cssText = "position:fixed;opacity:0;inset:0 auto auto 0";
  document.body.append(field);
  try {
    field.select();
    if (!document.execCommand("copy")) throw new Error("The browser refused to copy.");
  } finally {
    field.remove();
    if (focused instanceof HTMLElement) focused.focus();
  }
}
