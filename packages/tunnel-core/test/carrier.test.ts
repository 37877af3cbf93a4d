import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  acceptUpgrade,
  acceptWebSocket,
  connectCarrier,
  parseEngine,
  requestedCarrier,
  type CarrierKind,
  type CarrierTarget,
  type Session,
} from '../src/index.ts';
import { FakeRelay } from './fake-relay.ts';
import { dumbProxy, freePort, listenTcp } from './sockets.ts';
import { testCertificate, testKey } from './tls-fixture.ts';

const open: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function relay(): Promise<FakeRelay> {
  const fake = await new FakeRelay().listen();
  open.push(() => fake.kill());
  return fake;
}

function reach(
  port: number,
  carrier: CarrierKind | 'auto' = 'upgrade',
  more: { signal?: AbortSignal; timeout?: number; token?: string } = {},
) {
  const target = parseEngine(`f587ee53.rstream.localhost:${port}`);
  return connectCarrier(target, { token: 'good', carrier, ...more }).then((carrier) => {
    open.push(() => carrier.destroy());
    return carrier;
  });
}

/** A TCP server that reads one request head and answers with fixed bytes. */
async function answering(text: string): Promise<number> {
  const server = await listenTcp((socket) => socket.once('data', () => socket.end(text)));
  open.push(server.close);
  return server.port;
}

describe.each(['upgrade', 'websocket'] as const)('the %s carrier', (kind) => {
  test('asks for the session by name, with the credential, at the session path', async () => {
    const fake = await relay();
    await reach(fake.port, kind);
    const [request] = fake.requests;
    expect(request?.url).toBe('/api/session');
    expect(request?.headers).toMatchObject({ host: fake.engine, authorization: 'Bearer good' });
    expect(fake.last.kind).toBe(kind);
  });

  test('turns the refusal of the relay into its error and does not show the token', async () => {
    const fake = await relay();
    const failure = await reach(fake.port, kind, { token: 'bad-secret' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UNAUTHORIZED', message: 'That token is not known.' });
    expect(JSON.stringify(failure) + String((failure as Error).stack)).not.toContain('bad-secret');
  });

  test.each(['', 'two\r\nlines', 'späť'])('does not send a token that no header can hold (%j)', async (token) => {
    const fake = await relay();
    await expect(reach(fake.port, kind, { token })).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(fake.requests).toHaveLength(0);
  });

  test('names the address when nothing listens there', async () => {
    const port = await freePort();
    await expect(reach(port, kind)).rejects.toMatchObject({
      code: 'ERR_RSTREAM_CONNECT_FAILED',
      message: expect.stringMatching(new RegExp(`f587ee53\\.rstream\\.localhost:${port}.*ECONNREFUSED`)),
    });
  });

  test('gives up after its deadline when the far end says nothing', async () => {
    const silent = await listenTcp(() => {});
    open.push(silent.close);
    await expect(reach(silent.port, kind, { timeout: 50 })).rejects.toMatchObject({ code: 'ERR_RSTREAM_TIMEOUT' });
  });

  test('gives up when the signal fires, and at once when it already has', async () => {
    const silent = await listenTcp(() => {});
    open.push(silent.close);
    const cancel = new AbortController();
    const attempt = reach(silent.port, kind, { signal: cancel.signal });
    cancel.abort();
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_RSTREAM_ABORTED' });
    await expect(reach(silent.port, kind, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_RSTREAM_ABORTED' });
  });

  test('says that something else answered when it did', async () => {
    const port = await answering('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n');
    await expect(reach(port, kind)).rejects.toMatchObject({ code: 'ERR_RSTREAM_CARRIER_REFUSED', details: { status: 426 } });
  });

  test('reads no more of a refusal than its limit', async () => {
    const port = await answering(`HTTP/1.1 403 Forbidden\r\nrstream-error: FORBIDDEN\r\n\r\n${'x'.repeat(1_000_000)}`);
    await expect(reach(port, kind)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('passes a proxy that only copies bytes', async () => {
    const fake = await relay();
    const proxy = await dumbProxy(fake.port);
    open.push(proxy.close);
    await reach(proxy.port, kind);
    expect(fake.last.kind).toBe(kind);
  });

  test('verifies the certificate against the name of the engine', async () => {
    const server = createTlsServer({ cert: testCertificate, key: testKey }).on('upgrade', (request, socket, head) => {
      void (requestedCarrier(request) === 'websocket' ? acceptWebSocket(request, socket, head) : acceptUpgrade(request, socket, head));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    open.push(() => new Promise((resolve) => server.close(resolve)));
    const target = (serverName: string, tls: CarrierTarget['tls']): CarrierTarget => ({
      host: '127.0.0.1',
      port,
      serverName,
      tls: tls ?? true,
    });
    const secure = await connectCarrier(target('relay.example.test', { ca: testCertificate }), { token: 'x', carrier: kind });
    secure.destroy();
    const untrusted = connectCarrier(target('relay.example.test', true), { token: 'x', carrier: kind });
    await expect(untrusted).rejects.toMatchObject({
      code: 'ERR_RSTREAM_CONNECT_FAILED',
      message: expect.stringContaining('SELF_SIGNED'),
      next: expect.stringContaining('authority'),
    });
    const plain = connectCarrier({ host: '127.0.0.1', port, serverName: 'relay.example.test' }, { token: 'x', carrier: 'auto' });
    await expect(plain).rejects.toMatchObject({ next: expect.stringContaining('https://') });
    const misnamed = connectCarrier(target('other.example.test', { ca: testCertificate }), { token: 'x', carrier: kind });
    await expect(misnamed).rejects.toMatchObject({ message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') });
  });
});

describe('the upgrade carrier', () => {
  test('keeps the bytes that came with the 101', async () => {
    const port = await answering('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: rstream-mux/1\r\n\r\nfirst bytes');
    const carrier = await reach(port);
    const [chunk] = (await once(carrier, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('first bytes');
  });

  test('keeps the bytes that a client sent behind its request', async () => {
    const accepted = Promise.withResolvers<Duplex>();
    const server = createHttpServer().on('upgrade', (request, socket, head) => accepted.resolve(acceptUpgrade(request, socket, head)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(() => server.close());
    const client = connectTcp((server.address() as AddressInfo).port, '127.0.0.1');
    open.push(() => client.destroy());
    client.write('GET /api/session HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: rstream-mux/1\r\n\r\nfirst bytes');
    const [chunk] = (await once(await accepted.promise, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('first bytes');
  });

  test('does not take a switch to another protocol for its own', async () => {
    const port = await answering('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other/1\r\n\r\n');
    await expect(reach(port)).rejects.toMatchObject({ code: 'ERR_RSTREAM_CARRIER_REFUSED' });
  });
});

describe('the automatic carrier', () => {
  /** A proxy that knows websockets and answers every other upgrade by itself. */
  async function websocketOnlyProxy(port: number, answer: string): Promise<{ port: number; seen: string[] }> {
    const seen: string[] = [];
    const proxy = await listenTcp((inbound) => {
      inbound.once('data', (head: Buffer) => {
        const kind = /upgrade: (\S+)/i.exec(head.toString('latin1'))?.[1] ?? '';
        seen.push(kind === 'websocket' ? 'websocket' : 'upgrade');
        if (kind !== 'websocket') return inbound.end(answer);
        const outbound = connectTcp(port, '127.0.0.1');
        outbound.on('error', () => {});
        outbound.write(head);
        return inbound.pipe(outbound).pipe(inbound);
      });
    });
    open.push(proxy.close);
    return { port: proxy.port, seen };
  }

  test.each(['HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'])(
    'falls back to the websocket when a proxy answers %j, and remembers it',
    async (answer) => {
      const fake = await relay();
      const proxy = await websocketOnlyProxy(fake.port, answer);
      await reach(proxy.port, 'auto');
      await reach(proxy.port, 'auto');
      expect(proxy.seen).toEqual(['upgrade', 'websocket', 'websocket']);
      expect(fake.last.kind).toBe('websocket');
    },
  );

  test('falls back when a proxy hangs up, and tries the upgrade first again', async () => {
    const fake = await relay();
    const proxy = await websocketOnlyProxy(fake.port, '');
    await reach(proxy.port, 'auto');
    await reach(proxy.port, 'auto');
    expect(proxy.seen).toEqual(['upgrade', 'websocket', 'upgrade', 'websocket']);
  });

  test('prefers the upgrade', async () => {
    const fake = await relay();
    await reach(fake.port, 'auto');
    expect(fake.clients.map((client) => client.kind)).toEqual(['upgrade']);
  });

  test.each(['UNAUTHORIZED', 'FORBIDDEN', 'SERVICE_UNAVAILABLE'] as const)(
    'takes a refusal of the relay with %s as final',
    async (code) => {
      const fake = await relay();
      fake.refuseCarrier = () => new RstreamError(code);
      await expect(reach(fake.port, 'auto')).rejects.toMatchObject({ code });
      expect(fake.requests).toHaveLength(1);
    },
  );
});

describe('an accepted websocket carrier', () => {
  /** A client by another hand, connected to our side. */
  async function accepted(): Promise<{ client: WebSocket; session: Session }> {
    const fake = await relay();
    const headers = { authorization: 'Bearer good' };
    const client = new WebSocket(`ws://127.0.0.1:${fake.port}/api/session`, ['rstream-mux.1'], { headers });
    open.push(() => client.terminate());
    await once(client, 'open');
    client.on('error', () => {});
    return { client, session: fake.last.session };
  }

  test('ends when a message is text', async () => {
    const { client, session } = await accepted();
    client.send('text');
    const [code] = (await once(client, 'close')) as [number];
    expect(code).toBe(1003);
    expect(await session.closed).toMatchObject({ code: 'SESSION_LOST' });
  });

  test('ends when a message is larger than the limit', async () => {
    const { client } = await accepted();
    client.send(Buffer.alloc(2_000_000));
    const [code] = (await once(client, 'close')) as [number];
    expect(code).toBe(1009);
  });

  test('answers a ping and offers no compression', async () => {
    const { client } = await accepted();
    client.ping('are you there');
    const [answer] = (await once(client, 'pong')) as [Buffer];
    expect(answer.toString()).toBe('are you there');
    expect(client.extensions).toBe('');
  });
});

test('a websocket without our subprotocol is refused', async () => {
  const fake = await relay();
  const client = connectTcp(fake.port, '127.0.0.1');
  open.push(() => client.destroy());
  client.write('GET /api/session HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n');
  client.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  const [answer] = (await once(client, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 .*rstream-error: INVALID_REQUEST/s);
});
