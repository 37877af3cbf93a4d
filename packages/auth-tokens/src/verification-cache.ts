import { tokenLimits } from '@rstream/protocol/limits';
import { tokenHash } from './mint/mint-pat.ts';

/** What the cache must know of a value to let it go in time. */
export interface Expiring {
  readonly credentialId: string;
  /** Epoch ms. */
  readonly expiresAt: number | undefined;
}

export interface VerificationCacheOptions<Value extends Expiring> {
  /** Verifies a token and makes what is kept, such as a compiled grant. Its failures are not kept. */
  readonly load: (token: string) => Promise<Value>;
  /** Most values kept; least recently used out first. */
  readonly entries?: number;
  /** Longest time in ms for which a value is kept: how stale it can be when `forget` was never told. */
  readonly maxAge?: number;
  /** Epoch ms. */
  readonly now?: () => number;
}

/** Keeps verified tokens by their hash, so that a token sent with every request costs one signature check. */
export interface VerificationCache<Value> {
  readonly size: number;
  get(token: string): Promise<Value>;
  /** Drops what a credential stands behind. Call it when the credential changes or is revoked. */
  forget(credentialId: string): void;
  clear(): void;
}

interface Entry<Value> {
  readonly value: Value;
  readonly until: number;
}

export function createVerificationCache<Value extends Expiring>(options: VerificationCacheOptions<Value>): VerificationCache<Value> {
  const { load, entries = tokenLimits.verifiedTokens.default, maxAge = tokenLimits.verifiedTokenAge.default, now = Date.now } = options;
  const kept = new Map<string, Entry<Value>>();
  const loading = new Map<string, Promise<Value>>();
  let generation = 0;

  const keep = (hash: string, value: Value): void => {
    const until = Math.min(now() + maxAge, value.expiresAt ?? Infinity);
    const [oldest] = kept.keys();
    if (kept.size >= entries && oldest !== undefined) kept.delete(oldest);
    kept.set(hash, { value, until });
  };

  const loadOnce = (hash: string, token: string): Promise<Value> => {
    const started = generation;
    const promise = load(token)
      .then((value) => {
        // Something was forgotten meanwhile; this value may rest on what it was before.
        if (started === generation) keep(hash, value);
        return value;
      })
      .finally(() => {
        if (loading.get(hash) === promise) loading.delete(hash);
      });
    loading.set(hash, promise);
    return promise;
  };

  const invalidate = (): void => {
    generation += 1;
    loading.clear();
  };

  return {
    get size() {
      return kept.size;
    },
    async get(token) {
      const hash = tokenHash(token);
      const entry = kept.get(hash);
      kept.delete(hash);
      if (entry !== undefined && now() < entry.until) {
        kept.set(hash, entry);
        return entry.value;
      }
      return loading.get(hash) ?? loadOnce(hash, token);
    },
    forget(credentialId) {
      invalidate();
      for (const [hash, entry] of kept) if (entry.value.credentialId === credentialId) kept.delete(hash);
    },
    clear() {
      invalidate();
      kept.clear();
    },
  };
}
