import type { Permission } from '@rstream/protocol/claims';
import { describe, expect, it } from 'vitest';
import {
  createClientCredentials,
  createSigningKey,
  decodeToken,
  exportSigningKey,
  importSigningKey,
  mintAppToken,
  mintAuthToken,
  mintPat,
  queryTokenAllowed,
  tokenHash,
  verifyToken,
} from '../src/index.ts';
import { appToken, createWorld, loginToken, noon, noonSeconds } from './world.ts';

const world = await createWorld();

describe('a signing key', () => {
  it('survives storage, and the restored key signs for the same verifiers', async () => {
    const restored = await importSigningKey(JSON.parse(JSON.stringify(await exportSigningKey(world.signingKey))));
    const token = await loginToken({ ...world, signingKey: restored });
    expect((await verifyToken(token, world.keys, { now: noon })).credential.id).toBe('login');
  });

  it.each([undefined, null, 'text', {}, { kty: 'OKP', crv: 'Ed25519', kid: 'k', x: 'AA', d: 'c2VjcmV0' }, { kty: 'oct', k: 'c2VjcmV0' }])(
    'that is %j is refused without repeating it',
    async (jwk) => {
      const error = await importSigningKey(jwk).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'ERR_RSTREAM_SIGNING_KEY_INVALID' });
      expect(error).not.toHaveProperty('cause');
      expect(JSON.stringify(error)).not.toContain('c2VjcmV0');
    },
  );

  it('of another curve is refused', async () => {
    const jwk = { ...(await exportSigningKey(await createSigningKey())), crv: 'X25519' };
    await expect(importSigningKey(jwk)).rejects.toMatchObject({ code: 'ERR_RSTREAM_SIGNING_KEY_INVALID' });
  });
});

describe('client credentials', () => {
  it('have a secret of 482 hex characters', () => {
    expect(createClientCredentials().clientSecret).toMatch(/^[0-9a-f]{482}$/);
  });

  it.each([
    ['an empty secret', ''],
    ['a secret that is not hex', 'zz'],
    ['half a byte too many', 'abc'],
    ['a public key for a secret', createClientCredentials().publicKey],
    ['a secret cut short', createClientCredentials().clientSecret.slice(0, -2)],
  ])('with %s are refused without repeating it', async (_what, clientSecret) => {
    const error = await mintAppToken({ clientId: 'c', clientSecret }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_RSTREAM_CLIENT_SECRET_INVALID' });
    expect(error).not.toHaveProperty('cause');
  });
});

describe('an application token', () => {
  it('lives 60 s when nothing is said, and 1 to 3600 s otherwise', async () => {
    expect(decodeToken(await appToken(world))).toMatchObject({ type: 'app', permissions: null, iat: noonSeconds, exp: noonSeconds + 60 });
    expect(decodeToken(await appToken(world, { ttl: 3600 }))).toMatchObject({ exp: noonSeconds + 3600 });
    for (const ttl of [0, 3601, 0.5, NaN]) await expect(appToken(world, { ttl })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('may be dated up to 300 s from now', async () => {
    for (const offset of [-300, 300])
      expect(decodeToken(await appToken(world, { issuedAt: noonSeconds + offset }))).toMatchObject({ iat: noonSeconds + offset });
    for (const offset of [-301, 301]) await expect(appToken(world, { issuedAt: noonSeconds + offset })).rejects.toThrow('300 s');
  });

  it('gives the project to leaves without a target, unless told otherwise', async () => {
    const resources = { tunnels: { OR: [{ scopes: { tunnels: { list: true } } }, { workspaces: ['w1'] }] } };
    expect(decodeToken(await appToken(world, { resources, projectId: 'p1' })).resources).toEqual({
      tunnels: { OR: [{ scopes: { tunnels: { list: true } }, projects: ['p1'] }, { workspaces: ['w1'] }] },
    });
    expect(decodeToken(await appToken(world, { resources, projectId: 'p1', projectScoped: false })).resources).toEqual(resources);
    expect(decodeToken(await appToken(world, { engine: 'e:443' }))).toMatchObject({ metadata: { engine: 'e:443' } });
  });

  it('is not made with resources or permissions that are not valid', async () => {
    const bad = [
      { tunnels: {} },
      { tunnels: { projects: [] } },
      { tunnels: { projects: ['p'], workspaces: ['w'] } },
      { tunnels: { scopes: { tunnels: { watch: true } } } },
    ];
    for (const resources of bad)
      await expect(appToken(world, { resources: resources as never })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await expect(appToken(world, { permissions: ['root' as Permission] })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });
});

describe('a personal access token', () => {
  it('is stored as its hash, and no two are alike', async () => {
    const [one, two] = await Promise.all([mintPat({ now: noon }), mintPat({ now: noon })]);
    expect(one.sha256).toBe(tokenHash(one.token));
    expect(one.token).not.toBe(two.token);
    expect(decodeToken(one.token)).not.toHaveProperty('exp');
  });

  it('says its project and its expiry, and nothing of what it may do', async () => {
    const { token } = await mintPat({ projectEndpoint: '0badcafe', expiresAt: noon + 5000, now: noon });
    expect(Object.keys(decodeToken(token)).sort()).toEqual(['exp', 'iat', 'jti', 'token_endpoint', 'type']);
  });
});

it('an auth token is not made with claims that are not valid', async () => {
  await expect(mintAuthToken(world.signingKey, { userId: 'u1', permissions: null, exp: 1.5 })).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
  });
});

describe('a token in a watch URL', () => {
  const list = { scopes: { tunnels: { list: true } } };
  const good = {
    type: 'auth',
    userId: 'u1',
    permissions: ['tunnels.resources.read-only'],
    iat: noonSeconds,
    exp: noonSeconds + 3600,
    resources: { tunnels: list },
  } as const;
  it.each<[string, object, boolean]>([
    ['that only lists', {}, true],
    ['of an application', { type: 'app', clientId: 'c' }, true],
    ['with all the permissions of its parent, bounded to lists', { permissions: null }, true],
    ['where each branch lists', { resources: { tunnels: { OR: [list, { ...list, projects: ['p'] }] } } }, true],
    ['that is a personal access token', { type: 'pat' }, false],
    ['without issue time', { iat: undefined }, false],
    ['that has expired', { iat: noonSeconds - 60, exp: noonSeconds }, false],
    ['that lives longer than an hour', { exp: noonSeconds + 3601 }, false],
    ['that ends later than in an hour', { iat: noonSeconds + 100, exp: noonSeconds + 3700 }, false],
    ['from further ahead than the tolerance', { iat: noonSeconds + 301, exp: noonSeconds + 400 }, false],
    ['with another permission', { permissions: ['tunnels.resources.read-only', 'account.plan.read-only'] }, false],
    ['without resources', { resources: undefined }, false],
    ['with a branch that does not list', { resources: { tunnels: { OR: [list, { projects: ['p'] }] } } }, false],
    ['with a branch that refuses lists', { resources: { tunnels: { scopes: { tunnels: { list: false } } } } }, false],
    [
      'with a branch that connects',
      { resources: { tunnels: { AND: [list, { scopes: { tunnels: { list: true, connect: true } } }] } } },
      false,
    ],
    ['with a branch that mentions create', { resources: { tunnels: { scopes: { tunnels: { list: true, create: false } } } } }, false],
  ])('%s', (_what, change, expected) => {
    expect(queryTokenAllowed({ claims: { ...good, ...change } as never }, noon)).toBe(expected);
  });
});
