import { RstreamError } from '@rstream/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeToken, verifyToken } from '../src/index.ts';
import { appToken, createWorld, loginToken, noon, noonSeconds } from './world.ts';

const world = await createWorld();
const genuine = [await loginToken(world), world.pat.token, await appToken(world)] as const;
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Verifies what must be refused, and says with which code. */
async function refusal(token: string): Promise<unknown> {
  return verifyToken(token, world.keys, { now: noon }).then(
    () => 'accepted',
    (error: unknown) => (RstreamError.is(error) ? error.code : error),
  );
}

async function expectRefused(token: string): Promise<void> {
  expect(await refusal(token)).toBe('UNAUTHORIZED');
}

/** The family that a token claims, or the code with which decoding fails. */
function decoded(token: string): unknown {
  try {
    return decodeToken(token).type;
  } catch (error) {
    return RstreamError.is(error) ? error.code : error;
  }
}

const header = fc.oneof(
  fc.json(),
  fc.constantFrom('EdDSA', 'HS256', 'ES512').map((alg) => JSON.stringify({ alg, typ: 'JWT', kid: world.signingKey.kid })),
);
const payload = fc.oneof(
  fc.json(),
  fc.constantFrom('auth', 'pat', 'app').chain((type) =>
    fc
      .record(
        {
          type: fc.constant(type),
          userId: fc.string(),
          clientId: fc.string(),
          permissions: fc.constant(null),
          exp: fc.integer(),
          iat: fc.integer(),
        },
        { requiredKeys: ['type'] },
      )
      .map((claims) => JSON.stringify(claims)),
  ),
);
const encode = (text: string): string => Buffer.from(text).toString('base64url');

describe('whatever is sent as a token', () => {
  it('is refused with UNAUTHORIZED when it is arbitrary text', async () => {
    expect(await refusal('')).toBe('UNAUTHORIZED');
    await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary' }), expectRefused));
  });

  it('is refused with UNAUTHORIZED when its parts are arbitrary JSON', async () => {
    const token = fc.tuple(header, payload, fc.string({ minLength: 1 })).map((parts) => parts.map(encode).join('.'));
    await fc.assert(fc.asyncProperty(token, expectRefused), { numRuns: 500 });
  });

  it('is refused with UNAUTHORIZED when one character of a genuine token is changed', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=';
    const changed = fc
      .tuple(fc.constantFrom(...genuine), fc.nat(), fc.constantFrom(...alphabet.split('')))
      .map(([token, at, character]) => {
        // Not the last of a segment: its spare bits do not belong to the signed bytes.
        const index = at % (token.length - 1);
        return { token, text: token.slice(0, index) + character + token.slice(index + 1), index };
      });
    await fc.assert(
      fc.asyncProperty(changed, async ({ token, text, index }) => {
        fc.pre(text !== token && token[index + 1] !== '.');
        expect(await refusal(text)).toBe('UNAUTHORIZED');
      }),
    );
  });

  it('decodes or fails with a code, and never anything else', () => {
    const token = fc.tuple(header, payload).map((parts) => `${parts.map(encode).join('.')}.x`);
    fc.assert(
      fc.property(fc.oneof(token, fc.string()), (text) => {
        expect(['auth', 'pat', 'app', 'ERR_RSTREAM_TOKEN_INVALID']).toContain(decoded(text));
      }),
    );
  });

  it('does not appear in the error', async () => {
    for (const token of genuine) {
      const error = await verifyToken(`${token}x`, world.keys, { now: noon + 4e6 }).catch((thrown: unknown) => thrown);
      const shown = JSON.stringify(error) + String(error) + String(error instanceof Error ? error.stack : '');
      expect(shown).not.toContain(token.split('.')[2]);
      expect(shown).not.toContain(token.split('.')[1]);
    }
  });
});

describe('10,000 bad tokens', () => {
  const claims = { type: 'auth', userId: 'u1', permissions: null, iat: noonSeconds, exp: noonSeconds + 60, sourceCredentialId: 'login' };
  const ed = part({ alg: 'EdDSA', typ: 'JWT', kid: 'unknown' });
  const kinds: readonly ((index: number) => string)[] = [
    (index) => `garbage${index}`,
    (index) => `${'a'.repeat(5000)}.${index}.x`,
    (index) => `${part({ alg: 'none' })}.${part({ ...claims, jti: `${index}` })}.x`,
    (index) => `${ed}.${part({ ...claims, jti: `${index}`, exp: noonSeconds })}.x`,
    (index) => `${ed}.${part({ ...claims, jti: `${index}` })}.x`,
    (index) => `${part({ alg: 'HS256' })}.${part({ type: 'pat', jti: `${index}` })}.x`,
    (index) =>
      `${part({ alg: 'ES512' })}.${part({ type: 'app', clientId: `${index}`, permissions: null, iat: noonSeconds, exp: noonSeconds + 9 })}.x`,
  ];

  it('are refused within seconds, and the memory is given back', async () => {
    const before = process.memoryUsage().heapUsed;
    const started = performance.now();
    for (let index = 0; index < 10_000; index += 1) {
      const kind = kinds[index % kinds.length]!;
      expect(await refusal(kind(index))).toBe('UNAUTHORIZED');
    }
    expect(performance.now() - started).toBeLessThan(10_000);
    globalThis.gc?.();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  });
});
