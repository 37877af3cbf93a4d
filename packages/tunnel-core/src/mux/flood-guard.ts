import { limits } from '@rstream/protocol';

const burstSeconds = 10;

/** Frames that cost their sender next to nothing, by the limit that bounds them. */
export type FloodKind = 'pings' | 'resets' | 'empty';

interface Bucket {
  readonly perSecond: number;
  tokens: number;
  filledAt: number;
}

/** Token buckets over what a peer may send for free. No timers: a bucket is filled when it is asked. */
export class FloodGuard {
  readonly #buckets: Readonly<Record<FloodKind, Bucket>>;

  constructor(now: number) {
    const bucket = (perSecond: number): Bucket => ({ perSecond, tokens: perSecond * burstSeconds, filledAt: now });
    this.#buckets = {
      pings: bucket(limits.mux.floodPings.default),
      resets: bucket(limits.mux.floodResets.default),
      empty: bucket(limits.mux.floodEmpty.default),
    };
  }

  /** Counts one event at `now` (ms); false when the peer sends more than its limit. */
  allows(kind: FloodKind, now: number): boolean {
    const bucket = this.#buckets[kind];
    const earned = ((now - bucket.filledAt) / 1000) * bucket.perSecond;
    bucket.tokens = Math.min(bucket.perSecond * burstSeconds, bucket.tokens + earned) - 1;
    bucket.filledAt = now;
    return bucket.tokens >= 0;
  }
}
