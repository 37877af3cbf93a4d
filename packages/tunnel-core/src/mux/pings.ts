import { RstreamError, limits } from '@rstream/protocol';
import { maxUint32 } from './frame.ts';

interface Waiting {
  readonly sentAt: number;
  resolve(ms: number): void;
  reject(error: Error): void;
}

/** The pings of one session: who waits for which answer, and what the answers say about the round trip. */
export class Pings {
  readonly #send: (opaque: number) => void;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #measuredAt = Number.NEGATIVE_INFINITY;
  #rtt: number | undefined;
  #lowest: number | undefined;

  constructor(send: (opaque: number) => void) {
    this.#send = send;
  }

  get rtt(): number | undefined {
    return this.#rtt;
  }

  /**
   * The round trip without the queues that our own traffic builds, which would otherwise feed back into ever larger windows.
   * Asks for a new measurement when the last one is old, so that an idle session sends nothing.
   */
  lowestRtt(now: number): number | undefined {
    if (now - this.#measuredAt > limits.mux.rttAge.default) this.probe(now);
    return this.#lowest;
  }

  /** Sends a ping that nobody waits for, unless an answer is under way anyhow. */
  probe(now: number): void {
    this.#measuredAt = now;
    if (this.#waiting.size === 0) this.#ask({ sentAt: now, resolve: () => {}, reject: () => {} });
  }

  async ping(signal: AbortSignal): Promise<number> {
    if (this.#waiting.size >= limits.mux.pingsInFlight.default)
      throw new RstreamError('CAPACITY_EXHAUSTED', 'Too many pings wait for an answer.');
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const opaque = this.#ask({ sentAt: performance.now(), resolve, reject });
    const onAbort = (): void => reject(abortError(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#waiting.delete(opaque);
    }
  }

  /** An answer arrived; one that nobody waits for is ignored. */
  answered(opaque: number): void {
    const waiting = this.#waiting.get(opaque);
    if (waiting === undefined) return;
    this.#waiting.delete(opaque);
    const now = performance.now();
    const rtt = now - waiting.sentAt;
    this.#rtt = rtt;
    this.#measuredAt = now;
    // A path that became slower shows as ever higher samples: let the floor follow them, slowly.
    this.#lowest = this.#lowest === undefined || rtt < this.#lowest ? rtt : this.#lowest + (rtt - this.#lowest) / 16;
    waiting.resolve(rtt);
  }

  close(error: () => RstreamError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error());
    this.#waiting.clear();
  }

  #ask(waiting: Waiting): number {
    const opaque = this.#next;
    this.#next = opaque === maxUint32 ? 0 : opaque + 1;
    this.#waiting.set(opaque, waiting);
    this.#send(opaque);
    return opaque;
  }
}

function abortError(signal: AbortSignal): RstreamError {
  const isTimeout = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
  return new RstreamError(isTimeout ? 'ERR_RSTREAM_TIMEOUT' : 'ERR_RSTREAM_ABORTED', undefined, { cause: signal.reason });
}
