import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { createEventParser, readEventData } from '../src/event-stream.ts';
import { createControlClient, createEngineClient, type ClientOptions } from '../src/index.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;
const servers: Server[] = [];

async function serve(handler: Handler): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk)).on('end', () => handler(request, response, body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const json = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};

const tunnel = {
  id: 'tun_1',
  name: 'web',
  status: 'online',
  creation_date: '2026-01-01T00:00:00Z',
  type: 'bytestream',
  publish: true,
  client_id: 'c',
  user_id: 'u',
  workspace_id: 'w',
  project_id: 'p',
};

const engine = (engineUrl: string, options: Partial<ClientOptions> = {}) => createEngineClient({ engineUrl, token: 'tok', ...options });
const failure = (work: Promise<unknown>): Promise<{ code: string; message: string; next: string }> =>
  work.then(
    () => expect.fail('should have failed'),
    (error) => error as never,
  );

test('sends the bearer token and the filters as one JSON parameter, and none when there is nothing to filter', async () => {
  const seen: { url: string | undefined; authorization: string | undefined }[] = [];
  const url = await serve(({ url, headers }, response) => {
    seen.push({ url, authorization: headers.authorization });
    json(response, [tunnel]);
  });
  const client = engine(url, { token: async () => 'fresh' });
  expect(await client.tunnels.list({ limit: 2, filters: { status: 'online' } })).toEqual([tunnel]);
  await client.tunnels.list();
  await client.tunnels.list({});
  const params = new URL(seen[0]?.url ?? '', url).searchParams.get('params');
  expect(JSON.parse(params ?? '')).toEqual({ limit: 2, filters: { status: 'online' } });
  expect(seen.slice(1).map((request) => request.url)).toEqual(['/api/tunnels', '/api/tunnels']);
  expect(seen[0]?.authorization).toBe('Bearer fresh');
});

test('auth resolves for any 2xx, also without a body', async () => {
  const url = await serve((_, response) => response.writeHead(204).end());
  await expect(engine(url).auth()).resolves.toBeUndefined();
});

test.each<[string, Handler, string, RegExp]>([
  ['code and next step of the server', (_, r) => json(r, { error: 'No.', code: 'FORBIDDEN', next: 'Ask.' }, 403), 'FORBIDDEN', /^No\.$/],
  ['a published error without a code', (_, r) => json(r, { error: 'Bad.' }, 401), 'UNAUTHORIZED', /^Bad\.$/],
  ['a status without a body', (_, r) => r.writeHead(503).end(), 'SERVICE_UNAVAILABLE', /HTTP 503/],
  ['a code that is not known', (_, r) => json(r, { error: 'New.', code: 'NEWER' }, 418), 'INTERNAL', /^New\.$/],
  ['HTML', (_, r) => r.end('<html>'), 'ERR_RSTREAM_CONNECT_FAILED', /not as an rstream API/],
  ['another shape', (_, r) => json(r, [{ id: 1 }]), 'INTERNAL', /does not understand/],
  ['a redirect, which is not followed', (_, r) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), 'INTERNAL', /HTTP 302/],
])('turns %s into an error with a code', async (_, handler, code, message) => {
  const error = await failure(engine(await serve(handler)).tunnels.list());
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(error.next).not.toBe('');
});

test('says which address cannot be reached, and never the token', async () => {
  const url = await serve(() => {});
  await new Promise((resolve) => servers.pop()?.close(resolve));
  const error = await failure(engine(url).tunnels.list());
  expect(error).toMatchObject({ code: 'ERR_RSTREAM_CONNECT_FAILED', message: expect.stringContaining('ECONNREFUSED') });
  expect(JSON.stringify(error)).not.toContain('tok');
});

test('gives up at its deadline, also in the middle of a body, and when the caller aborts', async () => {
  const url = await serve((_, response) => void response.write('['));
  expect((await failure(engine(url, { timeoutMs: 50 }).tunnels.list())).code).toBe('ERR_RSTREAM_TIMEOUT');
  const error = await failure(engine(url).tunnels.list(undefined, { signal: AbortSignal.timeout(50) }));
  expect(error.code).toBe('ERR_RSTREAM_ABORTED');
});

test('refuses an answer that never ends', async () => {
  const url = await serve((_, response) => {
    const chunk = Buffer.alloc(1 << 20, 32);
    const more = (): void => {
      while (response.write(chunk));
      response.once('drain', more);
    };
    more();
  });
  expect((await failure(engine(url).tunnels.list())).code).toBe('PAYLOAD_TOO_LARGE');
});

test('the control client reaches every address that it names', async () => {
  const seen: string[] = [];
  const project = {
    id: 'p',
    workspaceId: 'w',
    name: 'n',
    endpoint: '0011aabb',
    domain: 'd',
    enginePort: 443,
    status: 'active',
    routing: 'regional',
    plan: 'basic',
    deployment: 'shared',
  };
  const answers: Record<string, unknown> = {
    '/api/whoami': { id: 'u', role: 'owner' },
    '/api/workspaces': { workspaces: [{ id: 'w', type: 'personal', name: 'Mine' }] },
    '/api/workspaces/a%2Fb/projects/tunnels': { projects: [project], page: 2, pageSize: 5, total: 6, totalPages: 2 },
    '/api/projects/tunnels/resolve/0011aabb': project,
    '/api/tokens': { token: 't', expires_at: '2026-01-01T00:00:00Z' },
  };
  const baseUrl = await serve((request, response, body) => {
    seen.push(`${request.method} ${request.url} ${body}`);
    json(response, answers[new URL(request.url ?? '', 'http://x').pathname]);
  });
  const control = createControlClient({ baseUrl: `${baseUrl}/`, token: 'tok', headers: { 'x-tenant': 'a' } });
  expect((await control.whoami()).role).toBe('owner');
  expect(await control.workspaces.list()).toHaveLength(1);
  expect((await control.projects.list({ workspaceId: 'a/b', page: 2, pageSize: 5 })).total).toBe(6);
  expect((await control.projects.resolve('0011aabb')).name).toBe('n');
  expect((await control.tokens.create({ permissions: null, expires_in: 60 })).token).toBe('t');
  expect(seen.slice(2)).toEqual([
    'GET /api/workspaces/a%2Fb/projects/tunnels?page=2&pageSize=5 ',
    'GET /api/projects/tunnels/resolve/0011aabb ',
    'POST /api/tokens {"permissions":null,"expires_in":60}',
  ]);
});

const initial = { type: 'state.initial', object: { snapshot_at: '2026-01-01T00:00:00Z', clients: [], tunnels: [tunnel] } };

test('watch yields events in order, leaves unknown ones out, and ends quietly on abort', async () => {
  const url = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of [initial, { type: 'stream.summary', object: {} }, { type: 'tunnel.deleted', object: tunnel }]) {
      response.write(`: heartbeat\n\ndata: ${JSON.stringify(event)}\n\n`);
    }
  });
  const stop = new AbortController();
  const types: string[] = [];
  for await (const event of engine(url).watch({ tunnels: { name: 'web' } }, { signal: stop.signal })) {
    types.push(event.type);
    if (types.length === 2) stop.abort();
  }
  expect(types).toEqual(['state.initial', 'tunnel.deleted']);
});

test('watch throws SESSION_LOST when the stream ends, and the code of a refusal', async () => {
  const { signal } = new AbortController();
  const drain = async (url: string): Promise<void> => {
    for await (const event of engine(url).watch(undefined, { signal })) expect(event.type).toBe('state.initial');
  };
  const ending = await serve((_, response) => response.end(`data: ${JSON.stringify(initial)}\n\n`));
  expect((await failure(drain(ending))).code).toBe('SESSION_LOST');
  const refusing = await serve((_, response) => json(response, { error: 'No.', code: 'UNAUTHORIZED' }, 401));
  expect((await failure(drain(refusing))).code).toBe('UNAUTHORIZED');
});

test('a stream that stays silent is taken for dead', async () => {
  const body = new ReadableStream<Uint8Array>();
  const { signal } = new AbortController();
  const read = async (): Promise<void> => {
    for await (const data of readEventData(body, { signal, silenceMs: 20 })) expect.fail(data);
  };
  expect((await failure(read())).code).toBe('SESSION_LOST');
});

test('any chunking gives the same events', () => {
  const source = ': hi\r\ndata: a\r\ndata: b\r\n\r\nevent: x\ndata:c\n\n\ndata: {"é": 1}\n\n';
  fc.assert(
    fc.property(fc.array(fc.nat(source.length)), (cuts) => {
      const parser = createEventParser();
      const points = [0, ...cuts.toSorted((a, b) => a - b), source.length];
      const events = points.slice(1).flatMap((end, at) => parser(source.slice(points[at], end)));
      expect(events).toEqual(['a\nb', 'c', '{"é": 1}']);
    }),
  );
});

test('an event that never ends is refused', () => {
  const parser = createEventParser(100);
  expect(() => {
    for (let line = 0; line < 20; line += 1) parser(`data: ${'x'.repeat(10)}\n`);
  }).toThrow(/larger than 100 bytes/);
  expect(() => createEventParser(100)('x'.repeat(101))).toThrow(/larger than 100 bytes/);
});
