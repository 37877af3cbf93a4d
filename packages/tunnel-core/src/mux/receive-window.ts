import { wireWindow } from './frame.ts';

/** What a window needs to know of its session. */
export interface WindowBudget {
  readonly initialWindow: number;
  readonly maxWindow: number;
  /** Takes `bytes` of the session's memory; false when there is not that much left. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
  /** Round trip in ms, `undefined` while unknown. */
  tuningRtt(): number | undefined;
  now(): number;
}

/**
 * A stream that its window holds back gets its bytes in bursts, a round trip apart: a little more than one round trip must still count
 * as held back, or only every second grant would grow the window.
 */
const patience = 1.5;

/**
 * Round trip in ms below which windows stay: the initial one already allows 500 MB/s there, and a larger one only lets more bytes queue
 * up than the caches of the machine hold.
 */
const shortPath = 2;

/** Each step costs a round trip: doubling would take seven of them to move 32 MiB over a long path, where four times takes five. */
const growth = [4, 2];

/**
 * How much one stream's peer may send. Credit follows consumption, half a window at a time. A stream that consumes half a window in
 * about a round trip is held back by its window, so the window grows while the session has memory to give.
 */
export class ReceiveWindow {
  readonly #budget: WindowBudget;
  #size = wireWindow;
  /** Bytes that the peer announced in data frames, and bytes that it may announce in all. */
  #received = 0;
  #granted = wireWindow;
  #lastGrant: number;

  constructor(budget: WindowBudget) {
    this.#budget = budget;
    this.#lastGrant = budget.now();
    const extra = budget.initialWindow - wireWindow;
    if (extra > 0 && budget.reserve(extra)) this.#size += extra;
  }

  get size(): number {
    return this.#size;
  }

  /** What to announce with SYN or ACK: the window above what the wire grants by itself. */
  announce(): number {
    const delta = this.#size - this.#granted;
    this.#granted += delta;
    return delta;
  }

  /** Counts a data frame; false when the peer was not allowed to send it. */
  admit(length: number): boolean {
    this.#received += length;
    return this.#received <= this.#granted;
  }

  /** Credit to send now that the application has consumed `consumed` bytes in all; 0 when it is not worth a frame yet. */
  credit(consumed: number): number {
    if (consumed + this.#size - this.#granted < this.#size / 2) return 0;
    this.#tune();
    const delta = consumed + this.#size - this.#granted;
    this.#granted += delta;
    return delta;
  }

  /** Gives the memory back; the window is of no use afterwards. */
  close(): void {
    this.#budget.release(this.#size - wireWindow);
    this.#size = wireWindow;
  }

  #tune(): void {
    const now = this.#budget.now();
    const elapsed = now - this.#lastGrant;
    this.#lastGrant = now;
    const rtt = this.#budget.tuningRtt();
    if (rtt === undefined || rtt < shortPath || elapsed >= rtt * patience) return;
    for (const factor of growth) {
      const larger = Math.min(this.#size * factor, this.#budget.maxWindow);
      if (larger <= this.#size || !this.#budget.reserve(larger - this.#size)) continue;
      this.#size = larger;
      return;
    }
  }
}
