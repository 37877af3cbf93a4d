import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createSession, type MuxStream, type Session } from '@rstream/tunnel-core';
import { endError, receiveBytes, receiveText, sendBytes } from '@rstream/tunnel-core/testing';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { YamuxPeer, buildYamuxPeer } from '../src/yamux-peer.ts';

const mebibyte = 1024 * 1024;
let binary: string;
beforeAll(() => {
  binary = buildYamuxPeer();
});

const running: Array<{ stop: () => void }> = [];
afterEach(() => {
  for (const { stop } of running.splice(0)) stop();
});

/** Streams say with their first byte what they want: 'E' echoes the rest. */
function serve(stream: MuxStream): void {
  stream.once('readable', () => {
    stream.read(1);
    stream.pipe(stream);
  });
}

/** Our session in one role, and the Go program in the other over a TCP connection that one of them made. */
async function meet(role: 'client' | 'server'): Promise<{ session: Session; go: YamuxPeer }> {
  const goRole = role === 'client' ? 'server' : 'client';
  if (role === 'client') {
    const go = new YamuxPeer(binary, ['-role', goRole]);
    const { port } = await go.answer();
    const session = createSession(connect(Number(port), '127.0.0.1'), { role, onStream: serve });
    return keep(session, go);
  }
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const go = new YamuxPeer(binary, ['-role', goRole, '-connect', `127.0.0.1:${(listener.address() as AddressInfo).port}`]);
  const [socket] = (await once(listener, 'connection')) as [Socket];
  listener.close();
  return keep(createSession(socket, { role, onStream: serve }), go);
}

function keep(session: Session, go: YamuxPeer): { session: Session; go: YamuxPeer } {
  running.push({ stop: () => (session.close(), go.stop()) });
  return { session, go };
}

describe.each(['client', 'server'] as const)('as the %s of hashicorp/yamux', (role) => {
  test('carries 64 MiB over 8 streams that we open, echoed, with equal hashes', async () => {
    const { session, go } = await meet(role);
    const runs = Array.from({ length: 8 }, async () => {
      const stream = session.open();
      stream.write('E');
      const [received, sent] = await Promise.all([receiveBytes(stream), sendBytes(stream, 8 * mebibyte)]);
      expect(received).toEqual({ bytes: 8 * mebibyte, hash: sent });
    });
    await Promise.all(runs);
    await session.ping();
    expect(session.streamCount).toBe(0);
    expect(await go.run({ do: 'streams' })).toEqual({ streams: 0 });
  });

  test('carries 64 MiB over 8 streams that Go opens, half-closes and reads back, with equal hashes', async () => {
    const { session, go } = await meet(role);
    expect(await go.run({ do: 'load', streams: 8, bytes: 8 * mebibyte })).toEqual({ failed: [] });
    await session.ping();
    expect(session.streamCount).toBe(0);
  });

  test('answers after the peer has ended its direction', async () => {
    const { session } = await meet(role);
    const stream = session.open();
    stream.end('Ehalf');
    expect(await receiveText(stream)).toBe('half');
  });

  test('pings in both directions', async () => {
    const { session, go } = await meet(role);
    expect(await session.ping()).toBeGreaterThan(0);
    const pong = await go.run({ do: 'ping' });
    expect(pong['error']).toBe('');
    expect(pong['ms']).toBeGreaterThan(0);
  });

  test('drains after the go-away of Go: what runs goes on, nothing new is opened', async () => {
    const { session, go } = await meet(role);
    const stream = session.open();
    stream.write('Ebefore ');
    await once(stream, 'readable');
    await go.run({ do: 'goaway' });
    await session.ping();
    expect(session.isDraining).toBe(true);
    expect(() => session.open()).toThrow(expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }));
    const text = receiveText(stream);
    stream.end('and after');
    expect(await text).toBe('before and after');
  });

  test('tells Go to open nothing more with its own go-away', async () => {
    const { session, go } = await meet(role);
    session.goAway();
    await session.ping();
    expect((await go.run({ do: 'open' }))['error']).toMatch(/not accepting/);
  });

  test('opens 2,000 streams at once though Go holds back at 256', async () => {
    const { session, go } = await meet(role);
    const texts = Array.from({ length: 2000 }, async (_, index) => {
      const stream = session.open();
      const text = receiveText(stream);
      stream.end(`E${index}`);
      return await text;
    });
    expect((await Promise.all(texts)).map(Number)).toEqual(Array.from({ length: 2000 }, (_, index) => index));
    await session.ping();
    expect(await go.run({ do: 'streams' })).toEqual({ streams: 0 });
  });

  test('ends its streams with a coded error when Go is killed', async () => {
    const { session, go } = await meet(role);
    const stream = session.open();
    stream.write('E');
    await session.ping();
    go.stop();
    expect(await endError(stream)).toMatchObject({ code: 'SESSION_LOST' });
  });
});
