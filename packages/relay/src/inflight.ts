/** Counts work that a drain waits for. */
export class Inflight {
  #running = 0;
  #waiters: (() => void)[] = [];

  /** Counts one piece of work until its promise settles, and settles with it. */
  async track(work: Promise<unknown>): Promise<void> {
    this.#running += 1;
    try {
      await work;
    } finally {
      this.#running -= 1;
      if (this.#running === 0) for (const waiter of this.#waiters.splice(0)) waiter();
    }
  }

  /** Resolves as soon as nothing runs. */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
}
