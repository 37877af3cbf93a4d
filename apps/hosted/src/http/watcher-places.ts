import { limits, RstreamError } from '@rstream/protocol';

/** Counts open event streams, so that readers cannot exhaust the process. */
export class WatcherPlaces {
  readonly #most: number;
  #taken = 0;

  constructor(most: number = limits.control.watchers.default) {
    this.#most = most;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Takes a place until the signal aborts. @throws RstreamError `CAPACITY_EXHAUSTED` when all are taken */
  take(signal: AbortSignal): void {
    if (this.#taken >= this.#most) {
      throw new RstreamError('CAPACITY_EXHAUSTED', `${this.#most} event streams are open already.`, {
        next: 'Close one, or try again later.',
      });
    }
    if (signal.aborted) return;
    this.#taken += 1;
    signal.addEventListener('abort', () => (this.#taken -= 1), { once: true });
  }
}
