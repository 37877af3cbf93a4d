import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchLocal, ProcessWorld, startForward, type Forward } from '../src/index.ts';

const MIB = 1024 * 1024;
const bulk = process.env['RSTREAM_TEST_FULL'] === '1' ? 1024 * MIB : 64 * MIB;
const block = randomBytes(MIB);

let world: ProcessWorld;
let service: Server;
let seen: IncomingMessage[] = [];
let open: Forward;
let guarded: Forward;
let delegated: string;

const sha = (): ReturnType<typeof createHash> => createHash('sha256');
function expectedHash(bytes: number): string {
  const hash = sha();
  for (let sent = 0; sent < bytes; sent += block.length) hash.update(block);
  return hash.digest('hex');
}
const blocks = (bytes: number): Readable =>
  Readable.from(
    (function* () {
      for (let sent = 0; sent < bytes; sent += block.length) yield block;
    })(),
  );
const residentMiB = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

beforeAll(async () => {
  service = createServer((incoming, response) => {
    seen.push(incoming);
    const path = (incoming.url ?? '').split('?')[0];
    if (path === '/download') {
      response.setHeader('content-length', bulk);
      blocks(bulk).pipe(response);
    } else if (path === '/upload') {
      const hash = sha();
      incoming.on('data', (chunk: Buffer) => hash.update(chunk));
      incoming.on('end', () => response.end(hash.digest('hex')));
    } else if (path === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: first\n\n');
      incoming.socket.once('rstream-test', () => response.end('data: last\n\n'));
    } else {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ url: incoming.url, headers: incoming.headers }));
    }
  });
  service.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
    socket.pipe(socket);
  });
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  const { port } = service.address() as AddressInfo;

  world = await ProcessWorld.start();
  open = await startForward(world, port, ['--name', 'open', '--http']);
  guarded = await startForward(world, port, ['--name', 'guarded', '--http', '--token-auth']);
  delegated = readFileSync(await world.createToken({ name: 'visitor', permissions: ['tunnels.streams.create-delete'] }), 'utf8').trim();
}, 60_000);

afterAll(async () => {
  await world.close();
  service.closeAllConnections();
  service.close();
});

describe('a published HTTP tunnel', () => {
  it('answers 200 with what the service said, and tells the service who asked', async () => {
    const answer = await fetchLocal(`${open.url}/hello?x=1`);
    expect(answer.status).toBe(200);
    const { url, headers } = JSON.parse(answer.body) as { url: string; headers: Record<string, string> };
    expect(url).toBe('/hello?x=1');
    expect(headers['x-forwarded-for']).toBe('127.0.0.1');
    expect(headers['x-forwarded-proto']).toBe('http');
    expect(headers['x-forwarded-host']).toBe(new URL(open.url).host);
  });

  it('carries a large download with an equal hash and flat memory', async () => {
    const { host, port } = new URL(open.url);
    const hash = sha();
    let received = 0;
    const before = residentMiB(world.ready.pid);
    let highest = before;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/download', headers: { host } }, resolve).on('error', reject).end();
    });
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash.update(chunk);
      const step = Math.floor(received / (16 * MIB));
      received += chunk.length;
      if (Math.floor(received / (16 * MIB)) > step) highest = Math.max(highest, residentMiB(world.ready.pid));
    }
    expect(received).toBe(bulk);
    expect(hash.digest('hex')).toBe(expectedHash(bulk));
    expect(highest - before).toBeLessThan(160);
  }, 120_000);

  it('carries a large upload with an equal hash', async () => {
    const answer = await fetchLocal(`${open.url}/upload`, { method: 'POST', body: blocks(bulk) });
    expect(answer.body).toBe(expectedHash(bulk));
  }, 120_000);

  it('passes an event stream through without holding an event back', async () => {
    const { host, port } = new URL(open.url);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/events', headers: { host } }, resolve).on('error', reject).end();
    });
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(first.toString()).toBe('data: first\n\n');
    seen.find(({ url }) => url === '/events')?.socket.emit('rstream-test');
    const [last] = (await once(response, 'data')) as [Buffer];
    expect(last.toString()).toBe('data: last\n\n');
  });

  it('becomes a raw byte stream after an accepted upgrade', async () => {
    const { host, port } = new URL(open.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`GET /chat HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString()).toMatch(/^HTTP\/1\.1 101 /);
    socket.write('ping through the tunnel');
    const [echoed] = (await once(socket, 'data')) as [Buffer];
    expect(echoed.toString()).toBe('ping through the tunnel');
    socket.destroy();
  });
});

describe('a token-protected tunnel', () => {
  it('answers 401 without a token, and 401 with one that is not ours', async () => {
    const bare = await fetchLocal(guarded.url);
    expect([bare.status, bare.headers['rstream-error']]).toEqual([401, 'UNAUTHORIZED']);
    const foreign = await fetchLocal(guarded.url, { headers: { authorization: 'Bearer nonsense' } });
    expect(foreign.status).toBe(401);
  });

  it('answers 403 to a token that may not connect', async () => {
    const file = await world.createToken({ name: 'reader', permissions: ['tunnels.resources.read-only'] });
    const answer = await fetchLocal(guarded.url, { headers: { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` } });
    expect([answer.status, answer.headers['rstream-error']]).toEqual([403, 'FORBIDDEN']);
  });

  it('serves a bearer token and a query token, and the service sees neither', async () => {
    seen = [];
    const bearer = await fetchLocal(`${guarded.url}/a`, { headers: { authorization: `Bearer ${delegated}` } });
    const query = await fetchLocal(`${guarded.url}/b?rstream.token=${delegated}&keep=1`);
    expect([bearer.status, query.status]).toEqual([200, 200]);
    expect(seen.map(({ url }) => url)).toEqual(['/a', '/b?keep=1']);
    expect(JSON.stringify(seen.map(({ rawHeaders, url }) => [rawHeaders, url]))).not.toContain(delegated);
  });

  it('turns a browser visit with a token in its address into a host-only cookie and a clean address', async () => {
    const visit = await fetchLocal(`${guarded.url}/page?rstream.token=${delegated}&keep=1`, { headers: { accept: 'text/html' } });
    expect(visit.status).toBe(303);
    expect(new URL(visit.headers.location ?? '', guarded.url).href).toBe(`${guarded.url}/page?keep=1`);
    const [cookie = ''] = visit.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/HttpOnly/i);
    expect(cookie).not.toMatch(/Domain=/i);
    seen = [];
    const page = await fetchLocal(`${guarded.url}/page?keep=1`, {
      headers: { accept: 'text/html', cookie: `theme=dark; ${cookie.split(';')[0] ?? ''}` },
    });
    expect(page.status).toBe(200);
    expect(seen[0]?.headers.cookie).toBe('theme=dark');
  });
});

describe('what the edge says when it cannot serve', () => {
  it('answers 404 for a name that nobody holds, as JSON or as a page', async () => {
    const nobody = open.url.replace('//', '//nobody-');
    const json = await fetchLocal(nobody, { headers: { accept: 'application/json' } });
    expect([json.status, (JSON.parse(json.body) as { code: string }).code]).toEqual([404, 'TUNNEL_NOT_FOUND']);
    const page = await fetchLocal(nobody, { headers: { accept: 'text/html' } });
    expect(page.headers['content-type']).toMatch(/text\/html/);
    expect(page.body).toContain('TUNNEL_NOT_FOUND');
  });

  it('answers 502 when nothing listens behind the tunnel', async () => {
    const dead = await startForward(world, 1, ['--name', 'dead', '--http']);
    const answer = await fetchLocal(dead.url);
    expect([answer.status, answer.headers['rstream-error']]).toEqual([502, 'UPSTREAM_UNREACHABLE']);
    await dead.child.stop();
  });

  it('answers 404 once the forward was stopped and gave its name back, and 502 when it was killed', async () => {
    const stopped = await startForward(world, 1, ['--name', 'stopped', '--http']);
    await stopped.child.stop();
    const gone = await fetchLocal(stopped.url);
    expect([gone.status, gone.headers['rstream-error']]).toEqual([404, 'TUNNEL_NOT_FOUND']);
    const killed = await startForward(world, 1, ['--name', 'killed', '--http']);
    killed.child.process.kill('SIGKILL');
    await killed.child.exited;
    const offline = await fetchLocal(killed.url);
    expect(offline.status).toBe(502);
    expect(offline.headers['rstream-error']).toMatch(/TUNNEL_OFFLINE|SESSION_LOST|UPSTREAM_UNREACHABLE/);
  });

  it('refuses ambiguous framing with 400', async () => {
    const { host, port } = new URL(open.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString()).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
  });
});
