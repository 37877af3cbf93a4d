import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { RstreamError } from '@rstream/protocol';
import type { RunningHosted } from '../src/hosted.ts';
import { openSqlStore } from '../src/store/sql-store.ts';
import { sqliteDialect } from '../src/store/sqlite.ts';
import { type Device, startDevice } from './device.ts';
import { readAll, startWorld, type World } from './world.ts';

const disposables: (() => unknown)[] = [];
afterEach(async () => {
  for (const dispose of disposables.splice(0).reverse()) await dispose();
});

async function world(): Promise<World> {
  const started = await startWorld();
  disposables.push(() => started.dispose());
  return started;
}

async function device(options: Parameters<typeof startDevice>[0]): Promise<Device> {
  const started = await startDevice(options);
  disposables.push(() => started.close());
  return started;
}

/** Revokes the owner's token as another process would: through the database. */
async function revokeOwner({ directory }: RunningHosted): Promise<void> {
  const administrator = await openSqlStore(sqliteDialect(directory.database));
  const [owner] = await administrator.credentials();
  await administrator.revokeCredential(owner?.id ?? '', Date.now());
  await administrator.close();
}

describe('a tunnel through the hosted process', () => {
  it('shows in the inventory, serves its service, and asks for a token when told to', async () => {
    const { hosted, ownerToken, call, engineHost } = await world();
    const web = await device({
      engine: hosted.engine,
      token: ownerToken,
      properties: { token_auth: true },
      service: (request, response) => response.end(`${request.headers.authorization} ${request.url}`),
    });
    const listed = await call('/api/tunnels', { host: engineHost, token: ownerToken });
    expect(listed.json).toMatchObject([{ name: 'web', status: 'online', host: web.host, token_auth: true }]);
    expect((await call(`/api/tunnels/${listed.json[0].id}`, { host: engineHost, token: ownerToken })).json).toMatchObject({ name: 'web' });
    expect((await call('/api/tunnels/tun_none', { host: engineHost, token: ownerToken })).status).toBe(404);
    expect((await call('/x', { host: web.host })).status).toBe(401);
    expect(await call('/x', { host: web.host, token: ownerToken })).toMatchObject({ status: 200, text: 'undefined /x' });
  });

  it('can be reached with a delegated token for its path, and no other', async () => {
    const { hosted, ownerToken, call, engineHost } = await world();
    const web = await device({
      engine: hosted.engine,
      token: ownerToken,
      properties: { token_auth: true },
      service: (_request, response) => response.end('ok'),
    });
    const scopes = { tunnels: { connect: { filters: { name: 'web' }, params: { path: { regex: '/open/.*' } } } } };
    const body = { permissions: ['tunnels.streams.create-delete'], resources: { tunnels: { scopes } } };
    const made = await call('/api/tokens', { method: 'POST', host: engineHost, token: ownerToken, body });
    const { token } = made.json as { token: string };
    expect((await call('/open/a', { host: web.host, token })).status).toBe(200);
    expect((await call('/closed', { host: web.host, token })).status).toBe(403);
    expect((await call('/open/%2e%2e/closed', { host: web.host, token })).status).toBeGreaterThanOrEqual(400);
  });
});

describe('a device behind a proxy that passes only WebSockets', () => {
  it('publishes its service all the same', async () => {
    const { hosted, ownerToken, call } = await world();
    const web = await device({
      engine: hosted.engine,
      token: ownerToken,
      carrier: 'websocket',
      service: (_request, response) => response.end('by websocket'),
    });
    expect(await call('/', { host: web.host })).toMatchObject({ status: 200, text: 'by websocket' });
  });
});

describe('a revoked credential', () => {
  it('ends the session of its device within two seconds with UNAUTHORIZED', async () => {
    const { hosted, ownerToken, call, engineHost } = await world();
    const web = await device({ engine: hosted.engine, token: ownerToken, service: (_request, response) => response.end('ok') });
    const stopped = new Promise<{ readonly error: RstreamError | undefined; readonly at: number }>((resolve) => {
      web.connection.on('status', ({ state, error }) => {
        if (state === 'stopped') resolve({ error, at: performance.now() });
      });
    });
    const revokedAt = performance.now();
    await revokeOwner(hosted);
    const { error, at } = await stopped;
    expect(at - revokedAt).toBeLessThan(2_000);
    expect(error?.code).toBe('UNAUTHORIZED');
    expect((await call('/api/tunnels', { host: engineHost, token: ownerToken })).status).toBe(401);
  });
});

describe('a watcher', () => {
  it('sees a tunnel come and go, and is cut off when its credential is revoked', async () => {
    const { hosted, ownerToken, engineHost } = await world();
    const socket = new WebSocket(`ws://127.0.0.1:${hosted.port}/api/websocket`, {
      headers: { host: engineHost, authorization: `Bearer ${ownerToken}` },
    });
    const types: string[] = [];
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    const seen = (type: string): Promise<void> =>
      new Promise((resolve) => {
        if (types.includes(type)) resolve();
        socket.on('message', () => types.includes(type) && resolve());
      });
    socket.on('message', (data) => types.push((JSON.parse((data as Buffer).toString()) as { type: string }).type));
    await seen('state.initial');
    const web = await device({ engine: hosted.engine, token: ownerToken, service: (_request, response) => response.end('ok') });
    await seen('tunnel.created');
    await web.close();
    await seen('tunnel.deleted');
    await revokeOwner(hosted);
    expect(await closed).toBe(1008);
  });
});

describe('a stop', () => {
  it('lets a running answer finish and admits nothing new', async () => {
    const { hosted, ownerToken, open, call } = await world();
    let answering: ServerResponse | undefined;
    const web = await device({
      engine: hosted.engine,
      token: ownerToken,
      service(_request, response) {
        answering = response;
        response.write('first,');
      },
    });
    const response = await open('/slow', { host: web.host });
    const text = readAll(response);
    const stopped = hosted.stop({ drainTimeoutMs: 5_000 });
    await expect(call('/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    answering?.end('last');
    expect(await text).toBe('first,last');
    await stopped;
  });

  it('cuts what is not finished at the deadline', async () => {
    const { hosted, ownerToken, open } = await world();
    const web = await device({
      engine: hosted.engine,
      token: ownerToken,
      service: (_request, response) => void response.write('never ends'),
    });
    const response = await open('/slow', { host: web.host });
    const text = readAll(response);
    const startedAt = performance.now();
    await Promise.all([hosted.stop({ drainTimeoutMs: 100 }), expect(text).rejects.toMatchObject({ code: 'ECONNRESET' })]);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
