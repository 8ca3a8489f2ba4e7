/** Binding of the state to the painting. */

import { Component, type ComponentType, createContext, h } from "preact";
import { useContext, useEffect, useReducer } from "preact/hooks";
import type { Viewer } from "../state/viewer";

const Shared = createContext<Viewer | null>(null);
export const ViewerProvider = Shared.Provider;

export function useViewer(): Viewer {
  const viewer = useContext(Shared);
  if (viewer === null) throw new Error("outside of ViewerProvider");
  return viewer;
}

type Subscribe = (listener: () => void) => () => void;

/** What `read` gives, painted anew whenever `subscribe` calls. `subscribe` must be the same function each time. */
export function useWatched<T>(subscribe: Subscribe, read: () => T): T {
  const [, repaint] = useReducer((count: number, _: void) => count + 1, 0);
  const value = read();
  useEffect(() => {
    if (!Object.is(read(), value)) repaint(); // it changed between painting and now
    return subscribe(() => repaint());
  }, [subscribe]);
  return value;
}

/** Painted anew by its parent only when a prop is another one. */
export function memo<P extends object>(Painted: ComponentType<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const old = this.props as Record<string, unknown>;
      return Object.entries(next).some(([name, value]) => !Object.is(old[name], value));
    }

    override render() {
      return h(Painted, this.props);
    }
  };
}
