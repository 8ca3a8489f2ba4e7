/** A small button that says more when it is pressed, until one goes elsewhere. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface Props {
  label: string;
  testid: string;
  title: string;
  /** Null if there is no more to say. */
  hint: ComponentChildren;
}

export function HintChip({ label, testid, title, hint }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const elsewhere = (event: PointerEvent) => button.current?.contains(event.target as Node) || setOpen(false);
    document.addEventListener("pointerdown", elsewhere);
    return () => document.removeEventListener("pointerdown", elsewhere);
  }, [open]);
  return (
    <>
      <button
        type="button"
        class="chip"
        ref={button}
        data-testid={testid}
        aria-expanded={open}
        title={title}
        onClick={() => setOpen(!open)}
        onBlur={() => setOpen(false)}
        onKeyDown={(event) => event.key === "Escape" && open && (event.preventDefault(), setOpen(false))}
      >
        {label}
      </button>
      <span role="status">
        {open && hint && (
          <span class="chip-hint" data-testid={`${testid}-hint`}>
            {hint}
          </span>
        )}
      </span>
    </>
  );
}
