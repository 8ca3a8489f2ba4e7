/** A numbered mark in a text: what the passage before it rests on. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { sourceText } from "../state/citations";
import type { Citation } from "../state/contract";

export interface Shown {
  sources: readonly Citation[];
  /** Opens the list at that number. */
  open: (number: number) => void;
}
const Sources = createContext<Shown>({ sources: [], open: () => undefined });
export const SourcesProvider = Sources.Provider;

/** `numbers` as they stand in a mark. */
export function Mark({ numbers }: { numbers: string }) {
  const { sources, open } = useContext(Sources);
  return (
    <sup class="marks">
      {numbers.split(",").map((text) => {
        const number = Number(text);
        const source = sources[number - 1];
        if (source === undefined) return null; // nothing of ours
        const said = sourceText(source);
        return (
          <button
            type="button"
            key={number}
            class="mark"
            data-testid="mark"
            title={said}
            aria-label={`Source ${number}: ${said}`}
            onClick={(event) => {
              event.preventDefault(); // it may stand in a link
              open(number);
            }}
          >
            {number}
          </button>
        );
      })}
    </sup>
  );
}
