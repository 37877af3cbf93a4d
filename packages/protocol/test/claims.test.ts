import { describe, expect, it } from 'vitest';
import { tokenLimits } from '@rstream/protocol/limits';
import { Permission, Resources, TokenClaims, TokenHeader, type ResourceNode } from '@rstream/protocol/claims';

const accepts = (tunnels: unknown): boolean => Resources.safeParse({ tunnels }).success;
const scopes = (tunnels: unknown): unknown => ({ scopes: { tunnels } });
const connect = (filters: unknown): unknown => scopes({ connect: { filters } });
const nested = (levels: number): ResourceNode => (levels === 0 ? { projects: ['p'] } : { AND: [nested(levels - 1)] });

it('permission names are a frozen list', () => {
  expect(Permission.options.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    'account.plan.read-only',
    'account.projects.read-only',
    'account.projects.read-write',
    'account.tokens.create',
    'account.workspace-protection.read-write',
    'account.workspaces.read-only',
    'network.events.read-only',
    'network.streams.read-only',
    'network.webhooks.read-only',
    'network.webhooks.read-write',
    'network.webtty-servers.read-only',
    'network.webtty-servers.read-write',
    'tunnels.resources.read-only',
    'tunnels.streams.create-delete',
    'tunnels.tunnels.create-delete',
    'turn.credentials.create',
    'turn.relay.allocate',
    'webtty.logs.read-only',
    'webtty.sessions.read-only',
    'webtty.sessions.read-write',
  ]);
});

describe('a resource tree', () => {
  it.each<[unknown]>([
    [{ projects: ['p'] }],
    [{ workspaces: ['w'] }],
    [scopes({})],
    [scopes({ create: true, connect: false, list: {} })],
    [{ projects: ['p'], ...(scopes({ list: { select: { id: true, labels: false } } }) as object) }],
    [{ AND: [{ projects: ['p'] }, { OR: [scopes({ connect: true }), scopes({ list: true })] }] }],
    [connect({ name: 'a', labels: { env: { oneof: ['a', 'b'] } } })],
    [connect({ AND: [{ port: 443 }, { OR: [{ publish: true }, { name: { regex: 'a.*' } }] }] })],
    [connect({ id: 't', region: { exact: 'eu' } })],
    [scopes({ connect: { params: { path: { regex: '/api/.*' } } } })],
  ])('may be %j', (tree) => {
    expect(accepts(tree)).toBe(true);
  });

  it.each<[unknown]>([
    [undefined],
    [[]],
    ['all'],
    [{}],
    [{ projects: [] }],
    [{ projects: [''] }],
    [{ projects: ['p'], workspaces: ['w'] }],
    [{ AND: [] }],
    [{ OR: [] }],
    [{ AND: [{ projects: ['p'] }], OR: [{ projects: ['p'] }] }],
    [{ AND: [{ projects: ['p'] }], projects: ['p'] }],
    [{ AND: [{}] }],
    [{ scopes: {} }],
    [{ scopes: { streams: {} } }],
    [scopes({ watch: true })],
    [scopes({ create: 'yes' })],
    [scopes({ create: { filters: { id: 't' } } })],
    [scopes({ create: { filters: { client_id: 'c' } } })],
    [scopes({ create: { params: { path: '/' } } })],
    [scopes({ list: { params: { path: '/' } } })],
    [scopes({ connect: { select: { id: true } } })],
    [scopes({ connect: { params: { query: 'a' } } })],
    [connect({ colour: 'red' })],
    [connect({ name: { exact: 'a', regex: 'a' } })],
    [connect({ name: { prefix: 'a' } })],
    [connect({ name: {} })],
    [connect({ name: { oneof: [] } })],
    [connect({ name: { regex: '' } })],
    [connect({ name: { regex: 'a'.repeat(257) } })],
    [connect({ name: null })],
    [connect({ labels: 'a' })],
    [connect({ AND: [] })],
    [{ projects: Array.from({ length: 257 }, () => 'p') }],
    [{ OR: Array.from({ length: 33 }, () => ({ projects: ['p'] })) }],
  ])('may not be %j', (tree) => {
    expect(accepts(tree)).toBe(false);
  });

  it('is refused for the key __proto__, which would drop a restriction silently', () => {
    expect(accepts(JSON.parse('{"scopes":{"tunnels":{"connect":{"filters":{"labels":{"__proto__":"a"}}}}}}'))).toBe(false);
    expect(accepts(JSON.parse('{"__proto__":{"projects":["p"]},"projects":["p"]}'))).toBe(false);
  });

  it('is refused when it is too deep or too large, without running out of stack', () => {
    expect(accepts(nested(Math.floor(tokenLimits.resourceDepth.default / 2) - 2))).toBe(true);
    expect(accepts(nested(tokenLimits.resourceDepth.default))).toBe(false);
    let endless: unknown = { projects: ['p'] };
    for (let level = 0; level < 200_000; level += 1) endless = { AND: [endless] };
    expect(accepts(endless)).toBe(false);
    const wide = { OR: Array.from({ length: 32 }, () => ({ projects: Array.from({ length: 64 }, () => 'p') })) };
    expect(accepts(wide)).toBe(false);
  });
});

describe('claims', () => {
  const auth = { type: 'auth', userId: 'u', permissions: null, exp: 2 };
  const app = { type: 'app', clientId: 'c', permissions: [], iat: 1, exp: 2 };
  it.each<[object]>([
    [auth],
    [
      {
        ...auth,
        iss: 'i',
        aud: ['a', 'b'],
        sub: 's',
        jti: 'j',
        iat: 1,
        nbf: 1,
        metadata: { engine: 'e' },
        sourceCredentialId: 'c',
        sourceCredentialUpdatedAt: 'd',
      },
    ],
    [{ ...auth, resources: { tunnels: { projects: ['p'] } } }],
    [{ type: 'pat' }],
    [{ type: 'pat', token_endpoint: '0badcafe', exp: 2, iat: 1 }],
    [app],
  ])('may be %j', (claims) => {
    expect(TokenClaims.safeParse(claims).success).toBe(true);
  });

  it.each<[object]>([
    [{}],
    [{ ...auth, type: 'admin' }],
    [{ ...auth, permissions: undefined }],
    [{ ...auth, exp: undefined }],
    [{ ...auth, exp: 1.5 }],
    [{ ...auth, exp: '2' }],
    [{ ...auth, userId: undefined }],
    [{ ...auth, clientId: 'c' }],
    [{ ...auth, admin: true }],
    [{ ...auth, permissions: ['everything'] }],
    [{ ...auth, permissions: Array.from({ length: 65 }, () => 'account.plan.read-only') }],
    [{ ...auth, resources: { tunnels: {} } }],
    [{ ...auth, tunnelsGrants: [] }],
    [{ type: 'pat', permissions: null }],
    [{ type: 'pat', tokendpoint: '0badcafe' }],
    [{ ...app, iat: undefined }],
    [{ ...app, userId: 'u' }],
  ])('may not be %j', (claims) => {
    expect(TokenClaims.safeParse(claims).success).toBe(false);
  });

  it('come with a header that names only algorithm, type and key id', () => {
    expect(TokenHeader.safeParse({ alg: 'EdDSA', typ: 'JWT', kid: 'k' }).success).toBe(true);
    for (const header of [
      {},
      { alg: 'none' },
      { alg: 'RS256' },
      { alg: 'EdDSA', jwk: {} },
      { alg: 'EdDSA', crit: [] },
      { alg: 'EdDSA', typ: 'at+jwt' },
    ]) {
      expect(TokenHeader.safeParse(header).success).toBe(false);
    }
  });
});
