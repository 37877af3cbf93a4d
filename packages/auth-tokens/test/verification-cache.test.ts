import { describe, expect, it } from 'vitest';
import { createVerificationCache, type Expiring, type VerificationCacheOptions } from '../src/index.ts';

/** A cache with a clock that the test turns; a token `c1:x` belongs to credential `c1`. */
function setUp(options: Partial<VerificationCacheOptions<Expiring>> = {}) {
  const loads: string[] = [];
  const clock = { now: 0 };
  const cache = createVerificationCache<Expiring>({
    load: async (token) => {
      loads.push(token);
      if (token.startsWith('bad')) throw new Error('refused');
      return { credentialId: token.slice(0, 2), expiresAt: undefined };
    },
    now: () => clock.now,
    maxAge: 1000,
    ...options,
  });
  return { cache, loads, clock };
}

describe('a verification cache', () => {
  it('loads a token once, also when many ask at the same time', async () => {
    const { cache, loads } = setUp();
    const values = await Promise.all(Array.from({ length: 50 }, () => cache.get('c1:a')));
    await cache.get('c1:a');
    expect(loads).toEqual(['c1:a']);
    expect(new Set(values).size).toBe(1);
  });

  it('keeps no failure', async () => {
    const { cache, loads } = setUp();
    for (const _ of [1, 2]) await expect(cache.get('bad')).rejects.toThrow('refused');
    expect([loads.length, cache.size]).toEqual([2, 0]);
  });

  it('loads again after the longest age, or when the token expires before that', async () => {
    const { cache, loads, clock } = setUp();
    await cache.get('c1:a');
    clock.now = 999;
    await cache.get('c1:a');
    expect(loads).toHaveLength(1);
    clock.now = 1000;
    await cache.get('c1:a');
    expect(loads).toHaveLength(2);
    const short = setUp({ load: async () => ({ credentialId: 'c1', expiresAt: 10 }) });
    await short.cache.get('a');
    short.clock.now = 10;
    expect(short.cache.size).toBe(1);
    await short.cache.get('b');
    expect(await short.cache.get('a')).toMatchObject({ expiresAt: 10 });
  });

  it('holds no more than its bound, and drops what was used longest ago', async () => {
    const { cache, loads } = setUp({ entries: 2 });
    for (const token of ['c1:a', 'c1:b', 'c1:a', 'c1:c', 'c1:a']) await cache.get(token);
    expect(loads).toEqual(['c1:a', 'c1:b', 'c1:c']);
    for (let index = 0; index < 1000; index += 1) await cache.get(`c1:${index}`);
    expect(cache.size).toBe(2);
  });

  it('forgets all tokens of a credential at once, and those of no other', async () => {
    const { cache, loads } = setUp();
    for (const token of ['c1:a', 'c1:b', 'c2:a']) await cache.get(token);
    cache.forget('c1');
    expect(cache.size).toBe(1);
    for (const token of ['c1:a', 'c1:b', 'c2:a']) await cache.get(token);
    expect(loads).toEqual(['c1:a', 'c1:b', 'c2:a', 'c1:a', 'c1:b']);
    cache.clear();
    expect(cache.size).toBe(0);
  });

  it('does not keep what was being verified while its credential was revoked', async () => {
    const gate = Promise.withResolvers<Expiring>();
    const { cache } = setUp({ load: () => gate.promise });
    const pending = cache.get('c1:a');
    cache.forget('c1');
    gate.resolve({ credentialId: 'c1', expiresAt: undefined });
    await pending;
    expect(cache.size).toBe(0);
  });
});
