import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '@rstream/protocol';

/** Work on one request that is cut into turns of a few milliseconds, so that others are served between them. */
export class Turn {
  #since = performance.now();

  /** True when it is time for `next`. */
  get isOver(): boolean {
    return performance.now() - this.#since > limits.webdav.turn.default;
  }
  async next(): Promise<void> {
    await nextTurn();
    this.#since = performance.now();
  }
}
