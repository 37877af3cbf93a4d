import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Project, ProjectList, Ready, TokenCreated, Whoami, WorkspaceList } from '@rstream/protocol/control';
import { WireErrorBody } from '@rstream/protocol/wire';
import { readFileSync } from 'node:fs';
import { type Call, startWorld, type World } from './world.ts';

let world: World;
let list: string;
beforeAll(async () => {
  world = await startWorld();
  list = await delegated({
    permissions: ['tunnels.resources.read-only'],
    resources: { tunnels: { projects: [world.hosted.foundation.project.id], scopes: { tunnels: { list: true } } } },
  });
});
afterAll(() => world.dispose());

async function delegated(body: object, token = world.ownerToken): Promise<string> {
  const answer = await world.call('/api/tokens', { method: 'POST', token, body });
  expect(answer.status).toBe(200);
  return TokenCreated.parse(answer.json).token;
}

describe('the control plane', () => {
  it('says who the owner is', async () => {
    const answer = await world.call('/api/whoami', { token: world.ownerToken });
    expect(answer.status).toBe(200);
    expect(Whoami.parse(answer.json)).toMatchObject({ id: world.hosted.foundation.owner.id, role: 'owner' });
  });

  it('lists the workspace and the project, and resolves the endpoint', async () => {
    const { project } = world.hosted.foundation;
    const workspaces = await world.call('/api/workspaces', { token: world.ownerToken });
    expect(WorkspaceList.parse(workspaces.json).workspaces).toMatchObject([{ id: project.workspaceId, type: 'personal' }]);
    const projects = await world.call('/api/projects/tunnels?pageSize=5', { token: world.ownerToken });
    expect(ProjectList.parse(projects.json)).toMatchObject({ total: 1, totalPages: 1, projects: [{ endpoint: project.endpoint }] });
    const own = await world.call(`/api/workspaces/${project.workspaceId}/projects/tunnels?q=DEF`, { token: world.ownerToken });
    expect(own.json).toMatchObject({ total: 1 });
    const others = await world.call('/api/workspaces/wsp_other/projects/tunnels', { token: world.ownerToken });
    expect(others.json).toMatchObject({ total: 0, totalPages: 0 });
    const resolved = await world.call(`/api/projects/tunnels/resolve/${project.endpoint}`, { token: world.ownerToken });
    const { endpoint, domain, enginePort } = Project.parse(resolved.json);
    expect(`${endpoint}.${domain}:${enginePort}`).toBe(world.hosted.engine);
  });

  it('shows a token only the projects and workspaces that its scopes name', async () => {
    const elsewhere = await delegated({
      permissions: ['account.projects.read-only', 'account.workspaces.read-only'],
      resources: { tunnels: { projects: ['prj_other'] } },
    });
    const projects = await world.call('/api/projects/tunnels', { token: elsewhere });
    expect(projects.json).toMatchObject({ total: 0, projects: [] });
    const resolved = await world.call(`/api/projects/tunnels/resolve/${world.hosted.foundation.project.endpoint}`, { token: elsewhere });
    expect(resolved.status).toBe(404);
    expect((await world.call('/api/workspaces', { token: elsewhere })).status).toBe(403);
  });

  it('refuses to delegate more than the parent has, and longer than an hour', async () => {
    const narrow = await delegated({ permissions: ['account.tokens.create', 'tunnels.resources.read-only'] });
    const wider = { permissions: ['tunnels.tunnels.create-delete'] };
    expect((await world.call('/api/tokens', { method: 'POST', token: narrow, body: wider })).status).toBe(403);
    const longer = { permissions: null, expires_in: 3_601 };
    expect((await world.call('/api/tokens', { method: 'POST', token: world.ownerToken, body: longer })).status).toBe(400);
  });
});

describe('an engine', () => {
  it.each(['/api/auth', '/api/clients', '/api/tunnels'])('answers %s to a valid token', async (path) => {
    const answer = await world.call(path, { host: world.engineHost, token: world.ownerToken });
    expect(answer.status).toBe(200);
    expect(answer.headers['rstream-request-id']).toMatch(/^req_/);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('keeps the request id that the caller sent', async () => {
    const answer = await world.call('/api/auth', {
      host: world.engineHost,
      token: world.ownerToken,
      headers: { 'rstream-request-id': 'call-1' },
    });
    expect(answer.headers['rstream-request-id']).toBe('call-1');
    expect(world.log()).toContain('call-1');
  });

  it.each([
    ['not JSON', '{', 400],
    ['an unknown filter', JSON.stringify({ filters: { colour: 'red' } }), 400],
    ['a limit of zero', JSON.stringify({ limit: 0 }), 400],
    ['a filter', JSON.stringify({ limit: 1, filters: { labels: { a: 'b' } } }), 200],
  ])('answers params that are %s', async (_, params, status) => {
    const path = `/api/tunnels?params=${encodeURIComponent(params)}`;
    expect((await world.call(path, { host: world.engineHost, token: world.ownerToken })).status).toBe(status);
  });

  it('also delegates tokens', async () => {
    const body = { permissions: ['tunnels.resources.read-only'], expires_in: 5 };
    const answer = await world.call('/api/tokens', { method: 'POST', host: world.engineHost, token: world.ownerToken, body });
    expect(answer.status).toBe(200);
  });

  it('streams events by SSE, the snapshot first, also with a list-only token in the query', async () => {
    const response = await world.open(`/api/sse?rstream.token=${list}`, { host: world.engineHost });
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('text/event-stream');
    const { value } = await response[Symbol.asyncIterator]().next();
    const chunk = String(value);
    expect(JSON.parse(chunk.replace(/^data: /, ''))).toMatchObject({ type: 'state.initial' });
    response.destroy();
  });

  it('streams events by WebSocket, the snapshot first', async () => {
    const { port } = world.hosted;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/websocket?rstream.token=${list}`, { headers: { host: world.engineHost } });
    const message = await new Promise((resolve, reject) => {
      socket.once('message', (data) => resolve(JSON.parse((data as Buffer).toString())));
      socket.once('error', reject);
    });
    expect(message).toMatchObject({ type: 'state.initial' });
    socket.terminate();
  });

  it('takes no token in the query of another route, no owner token in any query, and no two tokens', async () => {
    const at = (path: string, token?: string) => world.call(path, { host: world.engineHost, ...(token === undefined ? {} : { token }) });
    expect((await at(`/api/tunnels?rstream.token=${list}`)).status).toBe(401);
    expect((await at(`/api/sse?rstream.token=${world.ownerToken}`)).json).toMatchObject({ code: 'FORBIDDEN' });
    expect((await at(`/api/sse?rstream.token=${list}`, list)).status).toBe(400);
  });
});

describe('every answer that refuses', () => {
  it.each<[string, string, Call, string]>([
    ['no token', '/api/whoami', {}, '401 UNAUTHORIZED'],
    ['a bad token', '/api/whoami', { token: 'nonsense' }, '401 UNAUTHORIZED'],
    ['another scheme', '/api/whoami', { headers: { authorization: 'Basic eDp5' } }, '401 UNAUTHORIZED'],
    ['an unknown path', '/api/none', {}, '404 NOT_FOUND'],
    ['another method', '/api/whoami', { method: 'DELETE' }, '405 METHOD_NOT_ALLOWED'],
    ['an unknown host', '/api/whoami', { host: 'elsewhere.example' }, '404 NOT_FOUND'],
    ['an unknown project', '/api/tunnels', { host: 'ffffffff.rstream.localhost' }, '404 NOT_FOUND'],
  ])('to %s has a status, a code, a sentence and a next step', async (_, path, call, expected) => {
    const answer = await world.call(path, call);
    expect(`${answer.status} ${String(answer.headers['rstream-error'])}`).toBe(expected);
    const body = WireErrorBody.parse(answer.json);
    expect(expected).toContain(body.code);
    expect(body.next).not.toBe('');
    expect(answer.text).not.toMatch(/at .*\.ts|node:internal/);
  });

  it('names the permission that is missing', async () => {
    const answer = await world.call('/api/workspaces', { token: list });
    expect(answer.status).toBe(403);
    expect(answer.json.error).toContain('account.workspaces.read-only');
  });

  it.each([
    ['no content type', { body: '{}', headers: { 'content-type': 'text/plain' } }, 400],
    ['broken JSON', { body: '{' }, 400],
    ['an unknown key', { body: { permissions: null, scope: 1 } }, 400],
    ['a megabyte too much', { body: `"${'x'.repeat(1_048_576)}"` }, 413],
  ])('to a body with %s says so', async (_, call, status) => {
    const answer = await world.call('/api/tokens', { method: 'POST', token: world.ownerToken, ...call });
    expect(answer.status).toBe(status);
    expect(answer.json.code).toBeDefined();
  });
});

describe('the descriptions and probes', () => {
  it('describe every route with its permission, from the schemas that check it', async () => {
    const answer = await world.call('/api/openapi.json', { host: world.engineHost });
    expect(answer.headers['content-type']).toBe('application/vnd.oai.openapi+json;version=3.1');
    expect(answer.json).toMatchObject({ openapi: '3.1.0', info: { title: 'rstream Engine API' } });
    expect(Object.keys(answer.json.paths)).toEqual(
      expect.arrayContaining(['/api/clients', '/api/tunnels/{id}', '/api/sse', '/api/tokens']),
    );
    expect(answer.json.paths['/api/tunnels'].get['x-rstream-permissions']).toEqual(['tunnels.resources.read-only']);
    expect(answer.json.paths['/api/tunnels'].get.parameters[0].content['application/json'].schema.properties.filters).toBeDefined();
    expect((await world.call('/api/openapi.json')).json.paths['/api/whoami']).toBeDefined();
  });

  it('answer under any host name', async () => {
    expect((await world.call('/healthz', { host: '10.0.0.1' })).status).toBe(200);
    expect((await world.call('/readyz', { host: '10.0.0.1' })).json).toEqual({ status: 'ok' });
  });

  it('serve metrics on a listener of their own only', async () => {
    const ready = Ready.parse(JSON.parse(readFileSync(world.hosted.directory.ready, 'utf8')));
    const text = await (await fetch(ready.metricsUrl ?? '')).text();
    expect(text).toContain('rstream_clients 0');
    expect((await world.call('/metrics')).status).toBe(404);
  });
});

describe('many bad tokens', () => {
  it('are slowed down while a good token from the same address still works', async () => {
    const statuses = await Promise.all(Array.from({ length: 120 }, () => world.call('/api/whoami', { token: 'bad' })));
    expect(statuses.some(({ status }) => status === 429)).toBe(true);
    expect((await world.call('/api/whoami', { token: world.ownerToken })).status).toBe(200);
  });
});

describe('the log', () => {
  it('holds no token and no query', () => {
    const log = world.log();
    expect(log).toContain('/api/whoami');
    expect(log).not.toContain(world.ownerToken);
    expect(log).not.toContain(list);
    expect(log).not.toMatch(/eyJ[\w-]{10,}\./);
    expect(log).not.toContain('rstream.token=');
  });
});
