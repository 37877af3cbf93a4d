import { SignJWT } from 'jose';
import { createPrivateKey } from 'node:crypto';
import { RstreamError } from '@rstream/protocol';
import { describe, expect, it } from 'vitest';
import { createClientCredentials, createSigningKey, mintAppToken, mintAuthToken, mintPat, verifyToken } from '../src/index.ts';
import type { StoredCredential } from '../src/index.ts';
import { appToken, createWorld, loginToken, noon, noonSeconds, updatedAt, type World } from './world.ts';

const world = await createWorld();

/** What becomes of a token at noon: the id of its credential, or the sentence of the refusal. */
async function outcome(token: string, in_: World = world, now = noon): Promise<string> {
  try {
    return (await verifyToken(token, in_.keys, { now })).credential.id;
  } catch (error) {
    if (RstreamError.is(error) && error.code === 'UNAUTHORIZED') return error.message;
    throw error;
  }
}

const claims = {
  auth: { type: 'auth', userId: 'u1', permissions: null, iat: noonSeconds, exp: noonSeconds + 60, sourceCredentialId: 'login' },
  app: { type: 'app', clientId: world.client.clientId, permissions: null, iat: noonSeconds, exp: noonSeconds + 60 },
} as const;
const clientKey = createPrivateKey({ key: Buffer.from(world.client.clientSecret, 'hex'), type: 'pkcs8', format: 'der' });

function signAuth(extra: object = {}, header: object = {}): Promise<string> {
  const { kid, privateKey } = world.signingKey;
  return new SignJWT({ ...claims.auth, ...extra }).setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid, ...header }).sign(privateKey);
}
function signApp(extra: object = {}, header: object = {}): Promise<string> {
  return new SignJWT({ ...claims.app, ...extra }).setProtectedHeader({ alg: 'ES512', ...header }).sign(clientKey);
}
function hmac(payload: object, key: Uint8Array, header: object = {}): Promise<string> {
  return new SignJWT({ ...payload }).setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header }).sign(key);
}
const otherKey = await createSigningKey();
const otherClient = createClientCredentials();
const spki = Buffer.from(world.client.publicKey, 'hex');
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a genuine token', () => {
  it.each([
    ['auth', () => loginToken(world), 'login'],
    ['pat', async () => world.pat.token, 'pat'],
    ['app', () => appToken(world), 'app'],
    ['app without typ in its header, as other libraries write it', () => signApp(), 'app'],
    ['auth delegated from an application', () => loginToken(world, { sourceCredentialId: 'app' }), 'app'],
  ])('of family %s leads to its credential', async (_family, mint, id) => {
    expect(await outcome(await mint())).toBe(id);
  });

  it('expires with the earlier of its own and its credential’s end', async () => {
    const own = await createWorld();
    const token = await loginToken(own);
    expect((await verifyToken(token, own.keys, { now: noon })).expiresAt).toBe(noon + 600_000);
    own.patch('login', { expiresAt: noon + 5000 });
    expect((await verifyToken(token, own.keys, { now: noon })).expiresAt).toBe(noon + 5000);
    expect((await verifyToken(own.pat.token, own.keys, { now: noon })).expiresAt).toBeUndefined();
  });

  it('is checked for issuer and audience when they are given', async () => {
    const there = { issuer: 'https://a', audience: 'rstream' };
    const token = await mintAuthToken(world.signingKey, { ...claims.auth }, { ...there, now: noon });
    await expect(verifyToken(token, world.keys, { ...there, now: noon })).resolves.toBeDefined();
    await expect(verifyToken(token, world.keys, { ...there, issuer: 'https://b', now: noon })).rejects.toThrow('issued elsewhere');
    await expect(verifyToken(token, world.keys, { ...there, audience: 'other', now: noon })).rejects.toThrow('another service');
    await expect(verifyToken(await loginToken(world), world.keys, { ...there, now: noon })).rejects.toThrow('issued elsewhere');
    await expect(verifyToken(await signApp({ aud: 'other' }), world.keys, { ...there, now: noon })).rejects.toThrow('another service');
    await expect(verifyToken(await signApp(), world.keys, { ...there, now: noon })).resolves.toBeDefined();
  });
});

describe('a token is refused', () => {
  it.each<[string, () => Promise<string> | string, string]>([
    ['that is empty', () => '', 'not a JWT'],
    ['that is longer than the limit', () => `${'a'.repeat(9000)}.a.a`, 'too long'],
    ['with two parts', async () => (await signAuth()).split('.').slice(0, 2).join('.'), 'not a JWT'],
    ['with characters outside base64url', async () => `${await signAuth()}=`, 'not a JWT'],
    ['cut short', async () => (await signAuth()).slice(0, -2), 'signature'],
    ['without a signature (alg none)', () => `${part({ alg: 'none' })}.${part(claims.auth)}.x`, 'header'],
    ['with critical headers', () => `${part({ alg: 'EdDSA', crit: ['b64'], b64: false })}.${part(claims.auth)}.x`, 'header'],
    ['that brings its own key', () => `${part({ alg: 'ES512', jwk: {} })}.${part(claims.app)}.x`, 'header'],
    ['of another typ', () => signAuth({}, { typ: 'at+jwt' }), 'header'],
    ['of family auth made with HS256 and the public key', () => hmac(claims.auth, spki), 'algorithm'],
    ['of family app made with HS256 and the public key', () => hmac(claims.app, spki), 'algorithm'],
    ['of family app made with EdDSA by the server', () => signAuth({ ...claims.app }), 'claims'],
    ['with an unknown claim', () => signAuth({ admin: true }), 'claims'],
    ['with an unknown permission', () => signAuth({ permissions: ['root'] }), 'claims'],
    ['with both targets in one leaf', () => signAuth({ resources: { tunnels: { projects: ['p1'], workspaces: ['w1'] } } }), 'claims'],
    ['without exp', () => signAuth({ exp: undefined }), 'claims'],
    ['signed by an unknown key', () => mintAuthToken(otherKey, claims.auth, { now: noon }), 'key that is not known'],
    [
      'signed by another key under a known id',
      () => mintAuthToken({ ...otherKey, kid: world.signingKey.kid }, claims.auth, { now: noon }),
      'signature',
    ],
    ['that has expired', () => signAuth({ exp: noonSeconds }), 'expired'],
    ['that begins later than the tolerance', () => signAuth({ nbf: noonSeconds + 301 }), 'not valid yet'],
    ['issued further ahead than the tolerance', () => signApp({ iat: noonSeconds + 301, exp: noonSeconds + 400 }), 'in the future'],
    ['of a credential that is gone', () => signAuth({ sourceCredentialId: 'gone' }), 'gone'],
    ['without any credential', () => signAuth({ sourceCredentialId: undefined }), 'gone'],
    ['of another user’s credential', () => signAuth({ userId: 'u2' }), 'gone'],
    ['made before its credential changed', () => signAuth({ sourceCredentialUpdatedAt: '2020-01-01' }), 'before its credential changed'],
    ['of family pat that is not stored', async () => (await mintPat({ now: noon })).token, 'not known'],
    ['of an unknown client', () => mintAppToken({ ...world.client, clientId: 'nobody' }, { now: noon }), 'client that is not known'],
    [
      'of a client made with another key',
      () => mintAppToken({ ...otherClient, clientId: world.client.clientId }, { now: noon }),
      'signature',
    ],
    ['of family app that lives longer than an hour', () => signApp({ exp: noonSeconds + 3601 }), 'lives longer'],
    ['of family app issued long ago', () => signApp({ iat: noonSeconds - 4000, exp: noonSeconds + 10 }), 'lives longer'],
  ])('%s', async (_what, mint, sentence) => {
    expect(await outcome(await mint())).toContain(sentence);
  });

  it('within the tolerance only outside it: 300 s ahead is accepted', async () => {
    expect(await outcome(await signApp({ iat: noonSeconds + 300, exp: noonSeconds + 360 }))).toBe('app');
    expect(await outcome(await signAuth({ nbf: noonSeconds + 300 }))).toBe('login');
  });

  it.each<[string, 'login' | 'pat' | 'app', Partial<StoredCredential>, string]>([
    ['revoked', 'login', { revokedAt: noon }, 'revoked'],
    ['revoked', 'pat', { revokedAt: noon }, 'revoked'],
    ['revoked', 'app', { revokedAt: noon }, 'revoked'],
    ['expired', 'pat', { expiresAt: noon }, 'expired'],
    ['changed', 'login', { updatedAt: '2026-02-02T00:00:00.000Z' }, 'changed'],
    ['of another family', 'pat', { family: 'app' }, 'family'],
    ['moved to another project', 'pat', { projectEndpoint: 'ffffffff' }, 'another project'],
    ['stored with another hash', 'pat', { sha256: '00'.repeat(32) }, 'not known'],
    ['stored without a public key', 'app', { publicKey: undefined }, 'not known'],
    ['stored with a broken public key', 'app', { publicKey: 'zz' }, 'not known'],
  ])('when its credential is %s (%s)', async (_what, id, change, sentence) => {
    const own = await createWorld();
    const token = id === 'login' ? await loginToken(own) : id === 'pat' ? own.pat.token : await appToken(own);
    expect(await outcome(token, own)).toBe(id);
    own.patch(id, change);
    expect(await outcome(token, own)).toContain(sentence);
  });

  it('the moment it expires, not a second later', async () => {
    const token = await appToken(world, { ttl: 1 });
    expect(await outcome(token, world, noon + 999)).toBe('app');
    expect(await outcome(token, world, noon + 1000)).toContain('expired');
  });
});

describe('a failing look-up', () => {
  it('is reported as an internal error, not as a bad token', async () => {
    const keys = {
      ...world.keys,
      lookupPat: () => Promise.reject(new Error('disk')),
    };
    await expect(verifyToken(world.pat.token, keys, { now: noon })).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

it('the delegation date of a credential is part of the token', async () => {
  expect(await outcome(await signAuth({ sourceCredentialUpdatedAt: updatedAt }))).toBe('login');
});
