/** Holds an exception in the painting of one message to that message. */

import { Component, type ComponentChildren } from "preact";

interface Props {
  onError: (error: Error) => void;
  /** Shown instead. */
  fallback: ComponentChildren;
  /** Another value: what failed is tried again. */
  attempt: string;
  children: ComponentChildren;
}

export class Boundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  override componentDidCatch(error: unknown): void {
    this.setState({ failed: true });
    this.props.onError(error instanceof Error ? error : new Error(String(error)));
  }

  override componentDidUpdate(before: Props): void {
    if (this.state.failed && before.attempt !== this.props.attempt) this.setState({ failed: false });
  }

  override render() {
    return this.state.failed ? this.props.fallback : this.props.children;
  }
}
