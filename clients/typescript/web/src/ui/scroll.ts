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

  private keep(): void {
    if (!this.stuck || this.box === null) return;
    this.box.scrollTop = this.box.scrollHeight;
    this.lastTop = this.box.scrollTop;
  }

  private scrolled(): void {
    const box = this.box;
    if (box === null) return;
    const fromEnd = box.scrollHeight - box.scrollTop - box.clientHeight;
    if (fromEnd <= NEAR_PX) this.set(true);
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
