import { limits, RstreamError } from '@rstream/protocol';

interface Bucket {
  tokens: number;
  updatedAt: number;
}

export interface FailedAuthenticationOptions {
  readonly burst?: number;
  readonly perSecond?: number;
  readonly addresses?: number;
  readonly now?: () => number;
}

/**
 * Slows down guessing: an address that keeps failing is answered 429 instead of 401. Only failures count and only failures
 * are refused, so a good token from the same address always works. Memory is bounded: the addresses longest unseen are forgotten.
 */
export class FailedAuthentications {
  readonly #buckets = new Map<string, Bucket>();
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #addresses: number;
  readonly #now: () => number;

  constructor(options: FailedAuthenticationOptions = {}) {
    this.#burst = options.burst ?? limits.control.failedAuthBurst.default;
    this.#perSecond = options.perSecond ?? limits.control.failedAuthRate.default;
    this.#addresses = options.addresses ?? limits.control.failedAuthAddresses.default;
    this.#now = options.now ?? (() => performance.now());
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Counts one failure; returns what to answer it with. */
  record(address: string, failure: RstreamError): RstreamError {
    const now = this.#now();
    const known = this.#buckets.get(address);
    const refilled = known === undefined ? this.#burst : known.tokens + ((now - known.updatedAt) / 1_000) * this.#perSecond;
    const tokens = Math.min(this.#burst, refilled) - 1;
    this.#buckets.delete(address);
    this.#buckets.set(address, { tokens: Math.max(tokens, 0), updatedAt: now });
    if (this.#buckets.size > this.#addresses) this.#forgetOldest();
    if (tokens >= 0) return failure;
    return new RstreamError('CAPACITY_EXHAUSTED', 'Too many failed authentications from this address.', {
      next: 'Correct the token, then try again in some seconds.',
    });
  }

  #forgetOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
