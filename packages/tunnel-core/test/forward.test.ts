import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RstreamError } from '@rstream/protocol';
import type { TunnelOpenHeader } from '@rstream/protocol/wire';
import { afterEach, describe, expect, test } from 'vitest';
import { forwardTo, linkedPair, WarmPool, type Forward, type ForwardSummary } from '../src/index.ts';
import { endError, receiveBytes, receiveText, sendBytes } from '../src/testing.ts';
import { freePort, listenTcp, type TestServer } from './sockets.ts';
import { testCertificate, testKey } from './tls-fixture.ts';

const open: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const header: TunnelOpenHeader = { kind: 'tunnel', tunnel_id: 't1', stream_id: 's1', via: 'edge' };

async function service(onConnection: (socket: Socket) => void): Promise<TestServer> {
  const server = await listenTcp(onConnection);
  open.push(server.close);
  return server;
}

/** Gives one stream to the handler and waits for its answer. */
function visit(forward: Forward): { visitor: Duplex; answered: Promise<RstreamError | undefined> } {
  const [visitor, stream] = linkedPair();
  const answered = Promise.withResolvers<RstreamError | undefined>();
  forward(
    stream,
    header,
    () => answered.resolve(undefined),
    (error) => answered.resolve(error),
  );
  open.push(() => visitor.destroy());
  return { visitor, answered: answered.promise };
}

describe('a forward', () => {
  test('joins a stream to the service and reports what went through', async () => {
    const echo = await service((socket) => socket.pipe(socket));
    const closed = Promise.withResolvers<ForwardSummary>();
    const { visitor } = visit(forwardTo({ port: echo.port }, { onClose: closed.resolve }));
    const [received, hash] = await Promise.all([receiveBytes(visitor), sendBytes(visitor, 100 * 1024 * 1024)]);
    expect(received).toEqual({ bytes: 100 * 1024 * 1024, hash });
    const { bytesIn, bytesOut, error } = await closed.promise;
    expect([bytesIn, bytesOut, error]).toEqual([100 * 1024 * 1024, 100 * 1024 * 1024, undefined]);
  });

  test('passes what the service says first', async () => {
    const greeter = await service((socket) => void socket.write('220 hello\r\n'));
    const { visitor } = visit(forwardTo({ port: greeter.port }));
    const [chunk] = (await once(visitor, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('220 hello\r\n');
  });

  test('refuses with the address when nothing listens there', async () => {
    const port = await freePort();
    const refused = Promise.withResolvers<RstreamError>();
    const { answered } = visit(forwardTo({ port }, { onRefused: (_header, error) => refused.resolve(error) }));
    const expected = { code: 'UPSTREAM_UNREACHABLE', message: `Nothing could be reached at 127.0.0.1:${port}: ECONNREFUSED.` };
    expect(await answered).toMatchObject(expected);
    expect(await refused.promise).toMatchObject(expected);
  });

  test('finds a service on either loopback family under the name localhost', async () => {
    const server = createServer((_request, response) => response.end('v6'));
    server.listen(0, '::1');
    await once(server, 'listening');
    open.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    const forward = forwardTo({ host: 'localhost', port: (server.address() as AddressInfo).port });
    for (let round = 0; round < 2; round += 1) {
      const { visitor } = visit(forward);
      visitor.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      expect(await receiveText(visitor)).toMatch(/^HTTP\/1\.1 200 .*v6/s);
    }
  });

  test('speaks TLS to the service when asked, and verifies it', async () => {
    const server = createTlsServer({ cert: testCertificate, key: testKey }, (_request, response) => response.end('secure'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    const { port } = server.address() as AddressInfo;
    const tls = { ca: testCertificate, servername: 'relay.example.test' };
    const { visitor } = visit(forwardTo({ port, tls }));
    visitor.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await receiveText(visitor)).toMatch(/^HTTP\/1\.1 200 .*secure/s);
    expect(await visit(forwardTo({ port, tls: true })).answered).toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      message: expect.stringContaining('SELF_SIGNED'),
    });
  });

  test('cuts the service when the visitor is cut, and the visitor when the service is', async () => {
    const arrived: Socket[] = [];
    const holder = await service((socket) => void arrived.push(socket.resume()));
    const forward = forwardTo({ port: holder.port });
    const first = visit(forward);
    expect(await first.answered).toBeUndefined();
    const [connection] = arrived;
    first.visitor.destroy();
    await new Promise((resolve) => connection?.once('close', resolve));
    const second = visit(forward);
    expect(await second.answered).toBeUndefined();
    arrived[1]?.resetAndDestroy();
    expect(await endError(second.visitor)).toBeDefined();
  });
});

describe('a warm pool', () => {
  /** A pool over a counting service. */
  async function pool(onConnection: (socket: Socket) => void, options: { size?: number; idle?: number } = {}) {
    const { serviceDialer } = await import('../src/index.ts');
    const arrivals = new EventCounter();
    const server = await service((socket) => {
      onConnection(socket);
      arrivals.add();
    });
    const dial = serviceDialer({ port: server.port });
    const warm = new WarmPool(() => dial(), options);
    open.push(() => warm.close());
    return { warm, arrivals, server };
  }

  test('keeps nothing ready for a lone stream, and as many as came lately for several', async () => {
    const { warm, arrivals } = await pool(() => {}, { idle: 10_000 });
    expect(warm.take()).toBeUndefined();
    expect(warm.ready).toBe(0);
    expect(warm.take()).toBeUndefined();
    await arrivals.reach(2);
    await until(() => warm.ready === 2);
    const socket = warm.take();
    expect(socket?.destroyed).toBe(false);
    socket?.destroy();
  });

  test('never keeps more than its size', async () => {
    const { warm, arrivals } = await pool(() => {}, { size: 3, idle: 10_000 });
    for (let round = 0; round < 20; round += 1) warm.take()?.destroy();
    await arrivals.reach(3);
    await until(() => warm.ready >= 3);
    expect(warm.ready).toBe(3);
  });

  test('drops a connection that speaks, ends or fails while it waits', async () => {
    const behaviours = [
      (socket: Socket) =>
        void socket
          .on('end', () => socket.end())
          .resume()
          .write('hi'),
      (socket: Socket) => void socket.resume().end(),
      (socket: Socket) => void socket.resetAndDestroy(),
    ];
    for (const behave of behaviours) {
      const { warm, arrivals, server } = await pool(behave, { idle: 10_000 });
      warm.take();
      warm.take();
      await arrivals.reach(2);
      await until(() => server.sockets.size === 0 && warm.ready === 0);
      expect(warm.take()).toBeUndefined();
    }
  });

  test('drops connections that nobody takes', async () => {
    const { warm, arrivals, server } = await pool((socket) => void socket.resume().on('end', () => socket.end()), { idle: 30 });
    warm.take();
    warm.take();
    await arrivals.reach(2);
    await until(() => server.sockets.size === 0);
    expect(warm.ready).toBe(0);
  });

  test('serves whole exchanges through the connections it kept', async () => {
    const { arrivals, server } = await pool((socket) => void socket.pipe(socket));
    const forward = forwardTo({ port: server.port, pool: true });
    open.push(() => forward.close());
    for (let round = 0; round < 10; round += 1) {
      const { visitor } = visit(forward);
      visitor.end(`round ${round}`);
      expect(await receiveText(visitor)).toBe(`round ${round}`);
    }
    expect(arrivals.count).toBeGreaterThanOrEqual(10);
  });
});

/** Counts, and lets a test wait for a number. */
class EventCounter {
  count = 0;
  #waiting: Array<() => void> = [];

  add(): void {
    this.count += 1;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async reach(wanted: number): Promise<void> {
    while (this.count < wanted) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** Waits for a state that announces itself by no event of its own. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
