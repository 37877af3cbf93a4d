import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { overdue, type Situation } from '../src/edge/deadlines.ts';
import { effectiveLimits } from '../src/limits.ts';
import { RawClient, createWorld } from './world.ts';

const get = (host: string, path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

test('a WebSocket speaks through the edge: text, binary of every size class, ping and close code', async () => {
  await using world = await createWorld();
  const { host, service } = await world.publish((_request, response) => response.end());
  const server = new WebSocketServer({ server: service! });
  server.on('connection', (socket) => {
    socket.send('server speaks first');
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  const client = new WebSocket(`ws://127.0.0.1:${world.port}/chat`, { headers: { host } });
  const [first] = (await once(client, 'message')) as [Buffer];
  expect(String(first)).toBe('server speaks first');
  for (const size of [0, 125, 126, 65_535, 65_536, 1_000_000]) {
    client.send(Buffer.alloc(size, 7));
    const [echo, isBinary] = (await once(client, 'message')) as [Buffer, boolean];
    expect([echo.length, isBinary]).toEqual([size, true]);
  }
  client.ping();
  await once(client, 'pong');
  client.close(4001, 'bye');
  const [code] = (await once(client, 'close')) as [number];
  expect(code).toBe(4001);
  server.close();
});

test('any chunking of a pipelined exchange gives the same answers', async () => {
  await using world = await createWorld();
  const { host } = await world.publish((request, response) => {
    void request.toArray().then((parts) => {
      const body = `<${request.method} ${request.url} ${Buffer.concat(parts as Buffer[]).toString('hex')}>`;
      response.writeHead(200, { 'content-length': body.length }).end(body);
    });
  });
  const exchange =
    get(host, '/1') +
    `POST /2 HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 6\r\n\r\nGET /x` +
    `\r\nPUT /3 HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n4;e=1\r\n\r\n\r\n\r\n1\r\n0\r\n0\r\nX: y\r\n\r\n` +
    `GET /4 HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: exchange.length }), { maxLength: 12 }), async (cuts) => {
      const client = new RawClient(world.port);
      client.socket.setNoDelay(true);
      let from = 0;
      for (const to of [...cuts.sort((a, b) => a - b), exchange.length]) {
        client.write(exchange.slice(from, to));
        from = to;
        await nextTurn();
      }
      const text = await client.rest();
      expect(text.match(/<[^>]*>/g)).toEqual(['<GET /1 >', '<POST /2 474554202f78>', '<PUT /3 0d0a0d0a30>', '<GET /4 >']);
    }),
    { numRuns: 40 },
  );
});

test('smuggling forms never reach the service as a second request', async () => {
  await using world = await createWorld();
  const seen: string[] = [];
  const { host } = await world.publish((request, response) => {
    seen.push(String(request.url));
    request.resume();
    response.end('<ok>');
  });
  const hidden = `GET /hidden HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const forms = [
    `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${hidden.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: xchunked\r\nContent-Length: 4\r\n\r\n${hidden}`,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0, ${hidden.length}\r\n\r\n${hidden}`,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n0\n\n${hidden}`,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000000\r\n\r\n${hidden}`,
    `GET / HTTP/1.1\r\nHost: ${host}\r\nHost: other\r\n\r\n${hidden}`,
    `GET http://other/ HTTP/1.1\r\nHost: ${host}\r\n\r\n${hidden}`,
  ];
  for (const form of forms) expect([form, (await new RawClient(world.port).write(form).rest()).slice(9, 12)]).toEqual([form, '400']);
  expect(seen).not.toContain('/hidden');
});

test('two hundred slow heads are shed while others are served', async () => {
  await using world = await createWorld({ limits: { headTimeout: 300, sweepInterval: 20 } });
  const { host } = await world.publish((_request, response) => response.end('served'));
  const slow = Array.from({ length: 200 }, () => new RawClient(world.port).write('GET / HTTP/1.1\r\nX-Slow: '));
  const drip = setInterval(() => {
    for (const client of slow) client.write('a');
  }, 20);
  for (let served = 0; served < 20; served += 1) await new RawClient(world.port).write(get(host)).until(/served/);
  for (const client of slow) expect(await client.rest()).toMatch(/^HTTP\/1.1 408/);
  clearInterval(drip);
});

test('a visitor who does not read holds back his service and is cut in the end', async () => {
  await using world = await createWorld({ limits: { idleTimeout: 300, sweepInterval: 20 } });
  let written = 0;
  const cut = Promise.withResolvers<void>();
  const piece = Buffer.alloc(1_000_000);
  const { host } = await world.publish((_request, response) => {
    response.on('close', () => cut.resolve());
    const more = (): void => {
      while (!response.destroyed) {
        written += piece.length;
        if (!response.write(piece)) break;
      }
    };
    response.on('drain', more);
    more();
  });
  const client = new RawClient(world.port);
  client.socket.pause();
  client.write(get(host));
  await cut.promise;
  expect(written).toBeLessThan(64_000_000);
});

test('every deadline says what is due, and none cuts a response that has begun', () => {
  const limits = effectiveLimits({ headTimeout: 10, idleTimeout: 20, responseTimeout: 30 });
  const calm: Situation = {
    quiet: 0,
    headAge: undefined,
    hasHeadBegun: false,
    isStalled: false,
    isUploading: false,
    isAwaiting: false,
    isBusy: false,
  };
  const due = (more: Partial<Situation>): string | undefined => overdue({ ...calm, ...more }, limits);
  expect(due({})).toBeUndefined();
  expect(due({ quiet: 21 })).toBe('close');
  expect(due({ quiet: 1e9, isBusy: true })).toBeUndefined();
  expect(due({ headAge: 11 })).toBe('close');
  expect(due({ headAge: 11, hasHeadBegun: true })).toBe('REQUEST_TIMEOUT');
  expect(due({ quiet: 21, isUploading: true, isBusy: true })).toBe('REQUEST_TIMEOUT');
  expect(due({ quiet: 29, isAwaiting: true, isBusy: true })).toBeUndefined();
  expect(due({ quiet: 31, isAwaiting: true, isBusy: true })).toBe('UPSTREAM_TIMEOUT');
  expect(due({ quiet: 21, isStalled: true, isBusy: true })).toBe('cut');
});
