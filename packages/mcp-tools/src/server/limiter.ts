import { RstreamError } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';

/** Runs at most `concurrent` tasks, lets `queued` more wait in order, and refuses the rest at once. */
export class Limiter {
  readonly #concurrent: number;
  readonly #queued: number;
  #active = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #running = new Set<Promise<unknown>>();

  constructor(concurrent: number = mcpLimits.concurrentCalls.default, queued: number = mcpLimits.queuedCalls.default) {
    this.#concurrent = concurrent;
    this.#queued = queued;
  }

  /**
   * The result of the task, once it had its turn.
   *
   * @throws RstreamError ERR_RSTREAM_MCP_BUSY when the queue is full; the signal's reason when it fires while waiting.
   */
  async run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#turn(signal);
    const running = task();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
      this.#passOn();
    }
  }

  /** Resolves when no task runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#active < this.#concurrent) {
      this.#active += 1;
      return;
    }
    if (this.#waiting.length >= this.#queued) {
      throw new RstreamError(
        'ERR_RSTREAM_MCP_BUSY',
        `The server is busy: ${this.#concurrent} tool calls are running and ${this.#queued} are waiting.`,
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      const at = this.#waiting.indexOf(resolve);
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      reject(signal.reason as Error);
    };
    this.#waiting.push(resolve);
    signal.addEventListener('abort', leave, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', leave));
  }

  /** Hands the place of a finished task to the first that waits, or frees it. */
  #passOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#active -= 1;
    else next();
  }
}
