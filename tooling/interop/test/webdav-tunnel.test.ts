import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer, request, type Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '@rstream/tunnel-core';
import { ProcessWorld } from '@rstream/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { provide } from '../src/provide.ts';

const run = promisify(execFile);
let world: ProcessWorld;
let operator: Awaited<ReturnType<typeof connect>>;
let dialled: Server;
let published: HttpServer;

beforeAll(async () => {
  world = await ProcessWorld.start();
  mkdirSync(join(world.folder, 'root'));
  await world.startDevice('device', ['--fs-root', join(world.folder, 'root'), '--publish', '--hostname', 'device']);
  const token = readFileSync(await world.createToken({ name: 'visitor', permissions: ['tunnels.streams.create-delete'] }), 'utf8').trim();
  operator = await connect({
    engine: world.ready.engine,
    token: readFileSync(world.ready.ownerTokenFile, 'utf8').trim(),
    client: { agent: 'test', version: '1.0.0', protocol_version: '1.4.5' },
  });
  dialled = await listening(
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      void operator.dial('device').then((stream) => {
        stream.on('error', () => socket.destroy());
        socket.on('close', () => stream.destroy());
        socket.pipe(stream).pipe(socket);
      });
    }),
  );
  published = await listening(toEdge(new URL(forwardingOf(world)), token));
});
afterAll(async () => {
  dialled.close();
  published.close();
  await operator.close();
  await world.close();
});

async function listening<S extends Server>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

function forwardingOf({ folder }: ProcessWorld): string {
  const ready = readdirSync(folder).find((name) => name.startsWith('device-') && name.endsWith('.ready.json')) ?? '';
  return (JSON.parse(readFileSync(join(folder, ready), 'utf8')) as { forwarding: string }).forwarding;
}

/** What a client without bearer tokens needs: adds the token, and names the published host in the request and in what it refers to. */
function toEdge(edge: URL, token: string): HttpServer {
  return createHttpServer((incoming, response) => {
    const here = `http://${incoming.headers.host}/`;
    const rewrite = (text: string): string => text.replaceAll(here, `${edge.origin}/`);
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, typeof value === 'string' ? rewrite(value) : value]),
    );
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: edge.port,
        method: incoming.method,
        path: incoming.url,
        headers: { ...headers, host: edge.host, authorization: `Bearer ${token}` },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
}

it.each([
  ['a private dial', () => portOf(dialled)],
  ['the published tunnel', () => portOf(published)],
])('litmus passes in all its suites through %s', async (_way, port) => {
  const { stdout } = await run(provide('litmus'), ['-k', `http://127.0.0.1:${port()}/fs/`], { cwd: world.folder });
  const summaries = [...stdout.matchAll(/summary for `(\w+)': of (\d+) tests run: (\d+) passed, (\d+) failed/g)];
  const results = Object.fromEntries(summaries.map(([, suite = '', ran, passed, failed]) => [suite, [ran, passed, failed].map(Number)]));
  expect(results).toEqual({ basic: [16, 16, 0], copymove: [13, 13, 0], props: [30, 30, 0], locks: [41, 41, 0], http: [4, 4, 0] });
  expect(existsSync(join(world.folder, 'root', 'litmus'))).toBe(true);
});

it('records of changes name the credential, and no token is in any of them', () => {
  const records = world.everythingSaid.split('\n').filter((line) => line.includes('"audit":"file"'));
  expect(records.length).toBeGreaterThan(100);
  for (const record of records)
    expect(JSON.parse(record)).toMatchObject({ root: join(world.folder, 'root'), credential_id: expect.any(String) as unknown });
  expect(world.everythingSaid).not.toContain(readFileSync(join(world.folder, 'visitor.token'), 'utf8').trim());
});
