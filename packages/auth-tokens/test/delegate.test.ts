import { AuthClaims, type Permission } from '@rstream/protocol/claims';
import { describe, expect, it } from 'vitest';
import { delegate, evaluate, mintAuthToken, verifyToken } from '../src/index.ts';
import { createWorld, grantFrom, loginToken, noon, noonSeconds, project, sibling, updatedAt, verifiedGrant } from './world.ts';

const all = grantFrom({});
const connectOnly = { tunnels: { scopes: { tunnels: { connect: true } } } } as const;

describe('a delegated token', () => {
  it('carries the credential it lives by, its date, and 60 s when no life is asked for', () => {
    expect(delegate(all, { permissions: null }, { now: noon })).toMatchObject({
      type: 'auth',
      userId: 'u1',
      permissions: null,
      iat: noonSeconds,
      exp: noonSeconds + 60,
      sourceCredentialId: 'login',
      sourceCredentialUpdatedAt: updatedAt,
    });
  });

  it.each([0, -1, 3601, 1.5, NaN])('cannot live %s s', (expires_in) => {
    expect(() => delegate(all, { permissions: null, expires_in }, { now: noon })).toThrow('whole number of seconds');
  });

  it('does not outlive its parent', () => {
    const parent = { ...all, expiresAt: noon + 10_000 };
    expect(delegate(parent, { permissions: null, expires_in: 60 }, { now: noon }).exp).toBe(noonSeconds + 10);
    expect(() => delegate({ ...all, expiresAt: noon + 900 }, { permissions: null }, { now: noon })).toThrow('about to expire');
    expect(() => delegate({ ...all, expiresAt: noon }, { permissions: null }, { now: noon })).toThrow('expired');
  });

  it('needs account.tokens.create', () => {
    const parent = grantFrom({ permissions: ['tunnels.streams.create-delete'] });
    expect(() => delegate(parent, { permissions: null }, { now: noon })).toThrow('account.tokens.create');
  });

  it('cannot have a permission that its parent lacks', () => {
    const permissions: Permission[] = ['account.tokens.create', 'tunnels.streams.create-delete'];
    for (const parent of [grantFrom({ permissions }), grantFrom({ credential: { permissions } }), grantFrom({ owner: { permissions } })]) {
      expect(delegate(parent, { permissions: ['tunnels.streams.create-delete'] }, { now: noon }).permissions).toHaveLength(1);
      expect(() => delegate(parent, { permissions: ['tunnels.tunnels.create-delete'] }, { now: noon })).toThrow('its parent lacks it');
    }
    expect(delegate(grantFrom({ permissions }), { permissions: null }, { now: noon }).permissions).toEqual(permissions);
  });

  it('gets the project for leaves that name none, and cannot name another than its parent’s', () => {
    expect(delegate(all, { permissions: null, resources: connectOnly }, { project, now: noon }).resources).toEqual({
      tunnels: { ...connectOnly.tunnels, projects: ['p1'] },
    });
    const bound = grantFrom({ credential: { projectId: 'p1' } });
    const other = { permissions: null, resources: { tunnels: { projects: ['p2'] } } };
    expect(() => delegate(bound, other, { now: noon })).toThrow('another project');
    expect(() => delegate(bound, { permissions: null }, { project: sibling, now: noon })).toThrow('not for this project');
  });

  it('keeps the boundaries of its parent beside its own, flat over a chain', () => {
    const first = delegate(
      grantFrom({ resources: { tunnels: { projects: ['p1'] } } }),
      { permissions: null, resources: connectOnly },
      { now: noon },
    );
    const second = delegate(
      grantFrom({ resources: AuthClaims.parse(first).resources! }),
      { permissions: null, resources: connectOnly },
      { now: noon },
    );
    expect(second.resources).toEqual({ tunnels: { AND: [{ projects: ['p1'] }, connectOnly.tunnels, connectOnly.tunnels] } });
  });

  it('is refused when a pattern does not compile', () => {
    const resources = { tunnels: { scopes: { tunnels: { connect: { params: { path: { regex: '(' } } } } } } };
    expect(() => delegate(all, { permissions: null, resources }, { now: noon })).toThrow('pattern');
  });

  it('works end to end: login, delegate, mint, verify, connect', async () => {
    const world = await createWorld();
    const parent = await verifiedGrant(world, await loginToken(world));
    const resources = { tunnels: { scopes: { tunnels: { connect: { filters: { id: 't1' }, params: { path: { regex: '/api/.*' } } } } } } };
    const token = await mintAuthToken(world.signingKey, delegate(parent, { permissions: null, resources }, { project, now: noon }), {
      now: noon,
    });
    const grant = await verifiedGrant(world, token);
    const ask = (id: string, path: string) => evaluate(grant, { type: 'tunnel.connect', project, tunnel: { id }, path }, noon).allowed;
    expect([ask('t1', '/api/x'), ask('t1', '/admin'), ask('t2', '/api/x')]).toEqual([true, false, false]);
    world.patch('login', { updatedAt: '2026-02-28T00:00:00.000Z' });
    await expect(verifyToken(token, world.keys, { now: noon })).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });
});
