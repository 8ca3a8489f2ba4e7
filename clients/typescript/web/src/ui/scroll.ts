/** Keeps the end of the transcript in view until the user scrolls away, and never moves what the user is reading. */

import { Listeners } from "../state/timers";

const NEAR_PX = 48;

export class StickToEnd {
  stuck = true;
  private readonly listeners = new Listeners();
  private box: HTMLElement | null = null;
  private lastTop = 0;
  private readonly observer = new ResizeObserver(() => this.keep());

  readonly subscribe = this.listeners.add;

  /** `box` scrolls, `content` is what grows in it. */
  attach(box: HTMLElement, content: HTMLElement): () => void {
    this.box = box;
    const onScroll = () => this.scrolled();
    box.addEventListener("scroll", onScroll, { passive: true });
    this.observer.observe(box);
    this.observer.observe(content);
    return () => {
      box.removeEventListener("scroll", onScroll);
      this.observer.disconnect();
      this.box = null;
    };
  }

  readonly toEnd = (): void => {
    this.set(true);
    this.keep();
  };

  /** The user reads further up. */
  letGo(): void {
    this.set(false);
  }

  /** The user unfolds something: it stays in view, and the end is followed only if it is still there afterwards. */
  readonly yield = (): void => {
    this.stuck = false;
    // One frame to lay it out, one for the observer to have heard of it.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        this.stuck = this.fromEnd() <= NEAR_PX;
        this.listeners.call();
      }),
    );
  };

  private fromEnd(): number {
    return this.box === null ? 0 : this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight;
  }

  private keep(): void {
    if (!this.stuck || this.box === null) return;
    this.box.scrollTop = this.box.scrollHeight;
    this.lastTop = this.box.scrollTop;
  }

  private scrolled(): void {
    const box = this.box;
    if (box === null) return;
    if (this.fromEnd() <= NEAR_PX) this.set(true);
    // Upwards is the user's doing: the content only grows, and we only scroll down.
    else if (box.scrollTop < this.lastTop) this.set(false);
    this.lastTop = box.scrollTop;
  }

  private set(stuck: boolean): void {
    if (stuck === this.stuck) return;
    this.stuck = stuck;
    this.listeners.call();
  }
}
