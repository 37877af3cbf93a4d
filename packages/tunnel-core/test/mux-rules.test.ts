import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { limits } from '@rstream/protocol';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MuxOptions, MuxStream, Session } from '../src/mux/contract.ts';
import { encodeHeader, frameFlag, frameType, wireWindow } from '../src/mux/frame.ts';
import { linkedPair } from '../src/mux/linked-pair.ts';
import { createSession } from '../src/mux/session.ts';
import { endError } from '../src/testing/stream-load.ts';
import { RawPeer } from './mux-raw-peer.ts';

interface Scene {
  session: Session;
  peer: RawPeer;
  streams: MuxStream[];
}

function scene(options: Partial<MuxOptions> = {}): Scene {
  const [near, far] = linkedPair();
  const streams: MuxStream[] = [];
  const session = createSession(near, { role: 'server', onStream: (stream) => void streams.push(stream), ...options });
  return { session, peer: new RawPeer(far), streams };
}

const syn = (id: number) => ({ type: frameType.window, flags: frameFlag.syn, id });
const isGoAway = (code: number) => (frame: { type: number; length: number }) => frame.type === frameType.goAway && frame.length === code;

/** Waits until the session has told the peer off and closed; says which rule it named. */
async function violation({ session, peer }: Scene): Promise<string> {
  await peer.frame(isGoAway(1));
  const reason = await session.closed;
  expect(reason).toMatchObject({ code: 'ERR_RSTREAM_MUX_PROTOCOL', details: { goAway: 1 } });
  expect(session.streamCount).toBe(0);
  return reason?.message ?? '';
}

describe('a session ends with go-away code 1 when its peer', () => {
  const body = '00'.repeat(65_536);
  test.each([
    ['sends another version', [{ version: 1, type: 0 }], /version 1/],
    ['sends an unknown type', [{ type: 9 }], /unknown type 9/],
    ['sends unknown flags', [{ type: 1, flags: 16, id: 1 }], /unknown flags/],
    ['sends data on stream 0', [{ type: 0, id: 0, body: '00' }], /stream 0/],
    ['opens stream 0', [syn(0)], /stream 0/],
    ['opens a stream with an id of the other parity', [syn(2)], /stream 2/],
    ['opens a stream twice', [syn(1), syn(1)], /twice/],
    ['pings with a stream id', [{ type: 2, flags: 1, id: 3 }], /ping/],
    ['says go-away with a stream id', [{ type: 3, id: 3 }], /go-away/],
    ['grants more window than 32 bits', [syn(1), { type: 1, id: 1, length: 0xffff_ffff }], /32 bits/],
    ['sends data after FIN', [syn(1), { type: 1, flags: 4, id: 1 }, { type: 0, id: 1, body: '00' }], /window/],
    ['announces a frame larger than the window', [syn(1), { type: 0, id: 1, length: 0x1000_0000, body: '00' }], /window/],
    ['overruns the window frame by frame', [syn(1), ...Array.from({ length: 17 }, () => ({ type: 0, id: 1, body }))], /window/],
  ])('%s', async (_title, frames, words) => {
    const open = scene();
    open.peer.send(...frames);
    expect(await violation(open)).toMatch(words);
  });

  test('answers with an HTTP request', async () => {
    const open = scene();
    open.peer.carrier.write('GET / HTTP/1.1\r\nHost: example.com\r\n\r\n');
    expect(await violation(open)).toMatch(/version 71/);
  });

  test.each([
    ['pings', (count: number) => Array.from({ length: count }, () => ({ type: 2, flags: 1 })), limits.mux.floodPings.default],
    ['empty frames', (count: number) => Array.from({ length: count }, () => ({ type: 1, id: 1 })), limits.mux.floodEmpty.default],
  ])('floods it with %s', async (_title, frames, perSecond) => {
    const open = scene();
    const all = frames(perSecond * 15);
    for (let at = 0; at < all.length; at += 1000) open.peer.send(...all.slice(at, at + 1000));
    expect(await violation(open)).toMatch(/flood/);
  });

  test('makes it answer and never reads', async () => {
    // Takes one write and never another. Without a handler each stream is answered with a reset, so resets pile up in the session.
    const carrier = new Duplex({ read: () => {}, write: () => {} });
    const session = createSession(carrier, { role: 'server' });
    for (let id = 1; !session.isClosed;) {
      const opens = Buffer.alloc(12 * 1000);
      for (let at = 0; at < opens.length; at += 12, id += 2) encodeHeader(opens, at, { ...syn(id), length: 0 });
      carrier.push(opens);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await session.closed)?.message).toMatch(/does not read/);
  });
});

describe('a session', () => {
  test('never throws and always closes on garbage', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 12, maxLength: 200 }), async (garbage) => {
        const { session, peer } = scene();
        peer.carrier.end(Buffer.from(garbage));
        await session.closed;
        expect(session.isClosed).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('announces its window above the 256 KiB of the wire when it opens and when it accepts', async () => {
    const { session, peer } = scene();
    session.open();
    const opened = await peer.frame((frame) => frame.type === frameType.window && frame.flags === frameFlag.syn);
    expect(opened).toMatchObject({ type: frameType.window, id: 2, length: limits.mux.initialWindow.default - wireWindow });
    peer.send(syn(1));
    const accepted = await peer.frame((frame) => frame.id === 1);
    expect(accepted).toMatchObject({ flags: frameFlag.ack, length: limits.mux.initialWindow.default - wireWindow });
  });

  test('sends no more than 256 KiB until the peer grants more', async () => {
    const { session, peer } = scene();
    const stream = session.open();
    stream.end(Buffer.alloc(300_000));
    const sent = (): number => peer.frames.filter((frame) => frame.type === frameType.data).reduce((sum, frame) => sum + frame.length, 0);
    await peer.frame(() => sent() >= wireWindow);
    await session.ping(AbortSignal.timeout(20)).catch(() => {});
    expect(sent()).toBe(wireWindow);
    peer.send({ type: frameType.window, id: 2, length: 300_000 - wireWindow });
    await peer.frame((frame) => frame.flags === frameFlag.fin);
    expect(sent()).toBe(300_000);
  });

  test('returns credit when the application reads, not when data arrives', async () => {
    const { peer, streams } = scene();
    peer.send(syn(1));
    await peer.frame((frame) => frame.id === 1);
    const body = '00'.repeat(65_536);
    for (let index = 0; index < 16; index += 1) peer.send({ type: frameType.data, id: 1, body });
    peer.send({ type: frameType.ping, flags: frameFlag.syn, length: 7 });
    await peer.frame((frame) => frame.type === frameType.ping && frame.flags === frameFlag.ack && frame.length === 7);
    const isCredit = (frame: { type: number; flags: number; id: number }): boolean =>
      frame.type === frameType.window && frame.flags === 0 && frame.id === 1;
    expect(peer.frames.some((frame) => isCredit(frame))).toBe(false);
    streams[0]?.resume();
    expect((await peer.frame(isCredit)).length).toBeGreaterThanOrEqual(limits.mux.initialWindow.default / 2);
  });

  test('delivers data and FIN that come with the opening frame', async () => {
    const { peer, streams } = scene({ onStream: (stream) => void streams.push(stream.setEncoding('utf8')) });
    peer.send({ type: frameType.data, flags: frameFlag.syn | frameFlag.fin, id: 1, body: Buffer.from('hello').toString('hex') });
    await peer.frame((frame) => frame.id === 1);
    const [stream] = streams;
    let text = '';
    stream?.on('data', (chunk: string) => (text += chunk));
    if (stream !== undefined) await once(stream, 'end');
    expect(text).toBe('hello');
  });

  test('lets frames pass for a stream that is gone or never was', async () => {
    const { session, peer } = scene();
    peer.send(
      { type: frameType.data, id: 77, body: '0102' },
      { type: 1, id: 77, length: 5 },
      { type: 1, flags: 8, id: 77 },
      { type: 1, flags: 4, id: 9 },
    );
    expect(await answered(peer)).toBe(true);
    expect(session.isClosed).toBe(false);
  });

  test('refuses streams above its limit and keeps the others', async () => {
    const { session, peer } = scene({ maxStreams: 2 });
    peer.send(syn(1), syn(3), syn(5));
    expect(await peer.frame((frame) => frame.id === 5)).toMatchObject({ flags: frameFlag.rst });
    expect(session.streamCount).toBe(2);
    expect(() => session.open()).toThrow(expect.objectContaining({ code: 'CAPACITY_EXHAUSTED' }));
  });

  test('opens no more unacknowledged streams than the backlog, and the rest as acknowledgements come', async () => {
    const { session, peer } = scene({ acceptBacklog: 2 });
    const streams = Array.from({ length: 3 }, () => session.open());
    streams[2]?.write('held back');
    await peer.frame((frame) => frame.id === 4);
    expect(await answered(peer)).toBe(true);
    expect(peer.frames.some((frame) => frame.id === 6)).toBe(false);
    peer.send({ type: 1, flags: frameFlag.ack, id: 2 });
    await peer.frame((frame) => frame.id === 6 && frame.type === frameType.data);
  });

  test('resets its streams with an error each when the peer says go-away with a code', async () => {
    const { session, peer } = scene();
    const stream = session.open();
    peer.send({ type: frameType.goAway, length: 2 });
    expect(await endError(stream)).toMatchObject({ code: 'ERR_RSTREAM_MUX_PROTOCOL', details: { peerGoAway: 2 } });
  });

  test('survives a handler of streams that throws, and resets that stream', async () => {
    const { session, peer } = scene({
      onStream: () => {
        throw new Error('no');
      },
    });
    peer.send(syn(1));
    await peer.frame((frame) => frame.id === 1 && frame.flags === frameFlag.rst);
    expect(session.isClosed).toBe(false);
  });

  test('notices a carrier that swallows everything, within the interval and the timeout of keepalive', async () => {
    const { session } = blackHole({ keepaliveInterval: 60, keepaliveTimeout: 40 });
    const stream = session.open();
    const from = performance.now();
    expect(await endError(stream)).toMatchObject({ code: 'SESSION_LOST' });
    expect(performance.now() - from).toBeLessThan(1000);
    expect(await session.closed).toMatchObject({ code: 'SESSION_LOST' });
  });

  test('pings only when the peer has been silent', async () => {
    const { session, peer } = scene({ keepaliveInterval: 50, keepaliveTimeout: 5000 });
    const ping = await peer.frame((frame) => frame.type === frameType.ping);
    peer.send({ type: frameType.ping, flags: frameFlag.ack, length: ping.length });
    await peer.frame((frame) => frame.type === frameType.ping && frame.length !== ping.length);
    expect(session.isClosed).toBe(false);
    expect(session.rtt).toBeGreaterThan(0);
    session.close();
  });

  test('gives up a ping when its signal aborts or the session closes', async () => {
    const { session } = blackHole({ keepaliveInterval: 0 });
    await expect(session.ping(AbortSignal.timeout(10))).rejects.toMatchObject({ code: 'ERR_RSTREAM_TIMEOUT' });
    await expect(session.ping(AbortSignal.abort())).rejects.toMatchObject({ code: 'ERR_RSTREAM_ABORTED' });
    const waiting = session.ping();
    session.close();
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_RSTREAM_SESSION_CLOSED' });
  });
});

/** A session whose peer reads everything and says nothing. */
function blackHole(options: Partial<MuxOptions>): { session: Session } {
  const [near, far] = linkedPair();
  far.resume();
  return { session: createSession(near, { role: 'client', ...options }) };
}

/** True when the session still answers a ping, and so has handled all that was sent before. */
async function answered(peer: RawPeer): Promise<boolean> {
  peer.send({ type: frameType.ping, flags: frameFlag.syn, length: 4242 });
  const pong = await peer.frame((frame) => frame.type === frameType.ping && frame.length === 4242);
  return pong.flags === frameFlag.ack;
}
