import type { Action, Permission, ResourceNode } from '@rstream/protocol/claims';
import { describe, expect, it } from 'vitest';
import { evaluate, grantOf, refusalError, selectFields } from '../src/index.ts';
import { foreign, grantFrom, noon, owner, project, sibling, updatedAt } from './world.ts';

const tunnel = { id: 't1', name: 'web', protocol: 'http', publish: true, port: 443, tls_alpns: ['h2', 'http/1.1'], labels: { env: 'dev' } };
const device = { id: 't2', name: 'box', labels: { 'application-protocol': 'rstream.webtty' } };

const actions = {
  session: { type: 'session.open', project },
  create: { type: 'tunnel.create', project, tunnel },
  connect: { type: 'tunnel.connect', project, tunnel, path: '/api/x' },
  list: { type: 'tunnel.list', project, tunnel },
  device: { type: 'tunnel.connect', project, tunnel: device },
  devices: { type: 'tunnel.list', project, tunnel: device },
  logs: { type: 'control', permission: 'webtty.logs.read-only', project },
  plan: { type: 'control', permission: 'account.plan.read-only', project },
} as const satisfies Record<string, Action>;
type ActionName = keyof typeof actions;

/** The names of the actions that a grant allows. */
function allowedBy(parts: Parameters<typeof grantFrom>[0]): ActionName[] {
  const grant = grantFrom(parts);
  return (Object.keys(actions) as ActionName[]).filter((name) => evaluate(grant, actions[name], noon).allowed);
}
function outcome(parts: Parameters<typeof grantFrom>[0], action: Action): string {
  const decision = evaluate(grantFrom(parts), action, noon);
  return decision.allowed ? 'allowed' : decision.reason;
}
const tunnels = (scopes: object): { resources: { tunnels: ResourceNode } } => ({ resources: { tunnels: { scopes: { tunnels: scopes } } } });

describe('permissions', () => {
  it.each<[Permission[] | null, ActionName[]]>([
    [null, ['session', 'create', 'connect', 'list', 'device', 'devices', 'logs', 'plan']],
    [[], []],
    [['tunnels.tunnels.create-delete'], ['session', 'create']],
    [['tunnels.streams.create-delete'], ['session', 'connect', 'device']],
    [['tunnels.resources.read-only'], ['list', 'devices']],
    [['webtty.sessions.read-only'], ['devices']],
    [['webtty.sessions.read-write'], ['session', 'device', 'devices']],
    [['webtty.logs.read-only'], ['logs']],
    [['account.plan.read-only'], ['plan']],
  ])('%j allow %j', (permissions, names) => {
    expect(allowedBy({ permissions })).toEqual(names);
    expect(allowedBy({ credential: { permissions } })).toEqual(names);
    expect(allowedBy({ owner: { permissions } })).toEqual(names);
  });

  it('must be in every layer', () => {
    const permissions: Permission[] = ['tunnels.streams.create-delete'];
    expect(allowedBy({ permissions, credential: { permissions: ['tunnels.tunnels.create-delete'] } })).toEqual([]);
  });
});

describe('scopes', () => {
  it.each<[object, ActionName[]]>([
    [{ create: true }, ['session', 'create', 'plan']],
    [{ create: false }, ['plan']],
    [{ connect: true }, ['session', 'connect', 'device', 'plan']],
    [{ list: true }, ['list', 'devices', 'logs', 'plan']],
    [{ list: {}, connect: {} }, ['session', 'connect', 'list', 'device', 'devices', 'logs', 'plan']],
    [{}, ['plan']],
  ])('%j allow %j', (scopes, names) => {
    expect(allowedBy(tunnels(scopes))).toEqual(names);
  });
});

describe('targets', () => {
  it.each<[string, Parameters<typeof grantFrom>[0], [boolean, boolean, boolean]]>([
    ['nothing', {}, [true, true, false]],
    ['a project', { resources: { tunnels: { projects: ['p1'] } } }, [true, false, false]],
    ['a workspace', { resources: { tunnels: { workspaces: ['w1'] } } }, [true, true, false]],
    ['a project of someone else', { resources: { tunnels: { projects: ['p9'] } } }, [false, false, false]],
    ['a workspace of someone else', { resources: { tunnels: { workspaces: ['w9'] } } }, [false, false, false]],
    [
      'only scopes, in a credential of one project',
      { ...tunnels({ connect: true }), credential: { projectId: 'p1' } },
      [true, false, false],
    ],
    ['only scopes', tunnels({ connect: true }), [true, true, false]],
    ['an endpoint instead of an id', { resources: { tunnels: { projects: [project.endpoint] } } }, [false, false, false]],
    ['either project', { resources: { tunnels: { OR: [{ projects: ['p1'] }, { projects: ['p2'] }] } } }, [true, true, false]],
    ['both projects at once', { resources: { tunnels: { AND: [{ projects: ['p1'] }, { projects: ['p2'] }] } } }, [false, false, false]],
    ['nothing, for a user without workspaces', { owner: { workspaceIds: [] } }, [false, false, false]],
    ['nothing, for a member of two workspaces', { owner: { workspaceIds: ['w1', 'w9'] } }, [true, true, true]],
    [
      'nothing, with an access token of one workspace',
      { owner: { workspaceIds: ['w1', 'w9'] }, credential: { family: 'pat' } },
      [true, true, false],
    ],
  ])('%s', (_what, parts, expected) => {
    const reach = [project, sibling, foreign].map((at) => evaluate(grantFrom(parts), { ...actions.connect, project: at }, noon).allowed);
    expect(reach).toEqual(expected);
  });

  it('of a control action may be a workspace, which a grant for one project does not reach', () => {
    const inWorkspace = { type: 'control', permission: 'account.projects.read-only', workspaceId: 'w1' } as const;
    expect(outcome({}, inWorkspace)).toBe('allowed');
    expect(outcome({}, { ...inWorkspace, workspaceId: 'w9' })).toBe('target');
    expect(outcome({ resources: { tunnels: { projects: ['p1'] } } }, inWorkspace)).toBe('target');
    expect(outcome({ credential: { projectId: 'p1' } }, { type: 'control', permission: 'account.projects.read-only' })).toBe('allowed');
  });
});

describe('filters', () => {
  it.each<[object, boolean]>([
    [{ name: 'web' }, true],
    [{ name: 'we' }, false],
    [{ name: { exact: 'web' } }, true],
    [{ name: { oneof: ['api', 'web'] } }, true],
    [{ name: { oneof: ['api'] } }, false],
    [{ name: { regex: 'w.b' } }, true],
    [{ name: { regex: 'we' } }, false],
    [{ name: { regex: 'x|web' } }, true],
    [{ name: { regex: 'web|' } }, true],
    [{ name: { regex: '(' } }, false],
    [{ name: { regex: '.{900}.{900}' } }, false],
    [{ name: 'web', protocol: 'http' }, true],
    [{ name: 'web', protocol: 'tcp' }, false],
    [{ hostname: { regex: '.*' } }, false],
    [{ port: 443 }, true],
    [{ port: '443' }, false],
    [{ port: { regex: '44\\d' } }, true],
    [{ publish: true }, true],
    [{ token_auth: false }, true],
    [{ token_auth: true }, false],
    [{ http_use_tls: false }, true],
    [{ tls_alpns: { oneof: ['h2', 'http/1.1'] } }, true],
    [{ tls_alpns: 'h2' }, false],
    [{ geo_ip: { regex: '.*' } }, false],
    [{ labels: { env: 'dev' } }, true],
    [{ labels: { env: { regex: 'd.*' } } }, true],
    [{ labels: { env: 'dev', team: 'a' } }, false],
    [{ labels: { toString: { regex: '.*' } } }, false],
    [{ AND: [{ name: 'web' }, { labels: { env: 'dev' } }] }, true],
    [{ AND: [{ name: 'web' }, { labels: { env: 'prod' } }] }, false],
    [{ OR: [{ name: 'api' }, { AND: [{ name: 'web' }, { port: 443 }] }] }, true],
    [{ OR: [{ name: 'api' }, { name: 'db' }] }, false],
  ])('%j → %s', (filters, expected) => {
    for (const scope of ['create', 'connect', 'list'] as const) {
      expect(outcome(tunnels({ [scope]: { filters } }), { ...actions[scope] })).toBe(expected ? 'allowed' : 'filter');
    }
  });

  it('say nothing about opening a session or about listing as such', () => {
    const parts = tunnels({ connect: { filters: { name: 'none' } }, list: { filters: { name: 'none' } } });
    expect(outcome(parts, actions.session)).toBe('allowed');
    expect(outcome(parts, { type: 'tunnel.list', project })).toBe('allowed');
  });

  it('with a pattern cost little, whatever the value, and match no value too long for them', () => {
    const hostile = ['/(a+)+(a|aa)+b', '.*a.{60}', '(.*a.{20}){20}', '(.*a.{40}){23}'];
    const started = performance.now();
    for (const regex of hostile) {
      const parts = tunnels({ connect: { params: { path: { regex } } } });
      for (let length = 1; length < 4000; length += 500)
        expect(outcome(parts, { ...actions.connect, path: `/${'a/c'.repeat(length / 3)}` })).toBe('path');
    }
    expect(performance.now() - started).toBeLessThan(3000);
    const dots = (count: number) =>
      outcome(tunnels({ connect: { params: { path: { regex: '/.{100}.*' } } } }), { ...actions.connect, path: `/${'x'.repeat(count)}` });
    expect([dots(99), dots(100), dots(500), dots(4000)]).toEqual(['path', 'allowed', 'allowed', 'path']);
  });

  it('keep answering the same after many matches', () => {
    const parts = tunnels({ connect: { params: { path: { regex: '/api/[a-z]+' } } } });
    const answers = Array.from({ length: 3000 }, (_, index) =>
      outcome(parts, { ...actions.connect, path: index % 2 === 0 ? '/api/things' : '/api/7' }),
    );
    expect(new Set(answers.filter((_, index) => index % 2 === 0))).toEqual(new Set(['allowed']));
    expect(new Set(answers.filter((_, index) => index % 2 === 1))).toEqual(new Set(['path']));
  });
});

describe('paths', () => {
  const scope = (path: unknown) => tunnels({ connect: { params: { path } } });
  it.each<[unknown, string | undefined, boolean]>([
    ['/api/x', '/api/x', true],
    ['/api/x', '/api/x?y=/admin', true],
    ['/api/x', '/api/%78', true],
    ['/api/x', '/api', false],
    [{ regex: '/api/.*' }, '/api/', true],
    [{ regex: '/api/.*' }, '/api', false],
    [{ regex: '/api/.*' }, '/x/api/', false],
    [{ regex: '/api/.*' }, undefined, false],
    [{ regex: '/api/.*' }, '/api/a.b/.well-known/v1..2/...', true],
    [{ regex: '/api/.*' }, '/api/caf%C3%A9', true],
    [{ regex: '/api/.*' }, '/api/a;v=1/b', true],
    ...['..', '.', '%2e%2e', '.%2E', '..;x', '..%3bx', ';x'].flatMap((segment): [unknown, string, boolean][] => [
      [{ regex: '/api/.*' }, `/api/${segment}/admin`, false],
      [{ regex: '/api/.*' }, `/api/${segment}`, false],
    ]),
    ...[
      '/api//x',
      '/api/a%2fb',
      '/api/a%5cb',
      '/api/a\\b',
      '/api/a%00',
      '/api/a\u0000',
      '/api/a b',
      '/api/é',
      '/api/%ff',
      '/api/%c0%ae',
      '/api/%',
      '/api/%252e%252e/x',
      'api/x',
      'http://host/api/x',
      '',
    ].map((path): [unknown, string, boolean] => [{ regex: '.*' }, path, false]),
  ])('%j and %j → %s', (match, path, expected) => {
    const action = { type: 'tunnel.connect', project, tunnel, ...(path === undefined ? {} : { path }) } as const;
    expect(outcome(scope(match), action)).toBe(expected ? 'allowed' : 'path');
  });

  it('do not matter where no path scope exists', () => {
    expect(outcome({}, { ...actions.connect, path: '/a/../b' })).toBe('allowed');
  });
});

describe('select', () => {
  const see = (resources: ResourceNode) => evaluate(grantFrom({ resources: { tunnels: resources } }), actions.list, noon);
  const leaf = (select: Record<string, boolean>): ResourceNode => ({ scopes: { tunnels: { list: { select } } } });
  it.each<[ResourceNode, object]>([
    [leaf({ id: true, name: true }), { allowed: true, select: { id: true, name: true } }],
    [leaf({ id: true, name: false }), { allowed: true, select: { id: true } }],
    [leaf({ labels: false }), { allowed: true, select: { labels: false } }],
    [leaf({}), { allowed: true }],
    [{ AND: [leaf({ id: true, name: true }), leaf({ name: false })] }, { allowed: true, select: { id: true } }],
    [{ AND: [leaf({ id: false }), leaf({ name: false })] }, { allowed: true, select: { id: false, name: false } }],
    [{ OR: [leaf({ id: true }), leaf({ name: true })] }, { allowed: true, select: { id: true, name: true } }],
    [{ OR: [leaf({ id: true }), leaf({ id: false, name: false })] }, { allowed: true, select: { name: false } }],
    [{ OR: [leaf({ id: true }), { projects: ['p2'] }] }, { allowed: true, select: { id: true } }],
  ])('%j shows %j', (resources, decision) => {
    expect(see(resources)).toEqual(decision);
  });

  it('refuses when nothing would be left to see', () => {
    expect(see({ AND: [leaf({ id: true }), leaf({ name: true })] })).toMatchObject({ allowed: false, reason: 'scope' });
  });

  it('is applied to rows by selectFields', () => {
    const row = { id: 't1', name: 'web', labels: {} };
    expect(selectFields(row, undefined)).toEqual(row);
    expect(selectFields(row, { id: true })).toEqual({ id: 't1' });
    expect(selectFields(row, { labels: false })).toEqual({ id: 't1', name: 'web' });
  });
});

describe('a refusal', () => {
  it('names what is missing', () => {
    const decision = evaluate(grantFrom({ permissions: [] }), actions.create, noon);
    expect(decision).toMatchObject({ code: 'FORBIDDEN', reason: 'permission', permission: 'tunnels.tunnels.create-delete' });
    const error = decision.allowed ? undefined : refusalError(decision);
    expect(error).toMatchObject({ code: 'FORBIDDEN', status: 403, message: expect.stringContaining('create-delete') });
  });

  it('of an expired grant is UNAUTHORIZED, whatever is asked', () => {
    const grant = grantFrom({});
    for (const action of Object.values(actions)) {
      expect(evaluate(grant, action, noon + 3_600_000)).toMatchObject({ allowed: false, code: 'UNAUTHORIZED', reason: 'expired' });
    }
  });

  it('comes at once when the owner of a credential is another user', () => {
    const credential = { id: 'c', family: 'pat', userId: 'u2', workspaceId: 'w1', permissions: null, updatedAt } as const;
    expect(() => grantOf({ owner, credential, claims: { type: 'pat' }, expiresAt: undefined })).toThrow('owner');
  });
});
