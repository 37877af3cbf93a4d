import { once } from 'node:events';
import { RstreamError, limits } from '@rstream/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import type { MuxStream } from '../mux/contract.ts';
import { sessionPair, type CarrierFactory, type PairOptions, type SessionPair } from './session-pair.ts';
import { endError, receiveBytes, receiveText, sendBytes } from './stream-load.ts';

/**
 * What every session must do over every carrier. Call it at the top level of a vitest file with the name of the carrier and a factory
 * of connected ends.
 */
export function sessionCompliance(carrier: string, factory: CarrierFactory): void {
  describe(`a session over ${carrier}`, () => {
    const pairs: SessionPair[] = [];
    const start = async (options?: PairOptions): Promise<SessionPair> => {
      const pair = await sessionPair(factory, options);
      pairs.push(pair);
      return pair;
    };
    afterEach(async () => {
      await Promise.all(pairs.splice(0).map((pair) => pair.release()));
    });

    dataCases(start);
    endCases(start);
    sessionCases(start);
  });
}

type Start = (options?: PairOptions) => Promise<SessionPair>;

const echo = { onStream: (stream: MuxStream) => void stream.pipe(stream) };

function dataCases(start: Start): void {
  test('delivers 16 MiB over 8 streams in both directions, unchanged', async () => {
    const { client } = await start({ server: echo });
    const runs = Array.from({ length: 8 }, async () => {
      const stream = client.open();
      const [received, sent] = await Promise.all([receiveBytes(stream), sendBytes(stream, 2 * 1024 * 1024)]);
      expect(received).toEqual({ bytes: 2 * 1024 * 1024, hash: sent });
    });
    await Promise.all(runs);
  });

  test('carries 1,000 streams at once', async () => {
    const { client, server } = await start({ server: echo });
    const streams = Array.from({ length: 1000 }, () => client.open());
    const texts = streams.map(async (stream, index) => {
      const text = receiveText(stream);
      stream.end(`stream ${index}`);
      return await text;
    });
    expect(await Promise.all(texts)).toEqual(streams.map((_, index) => `stream ${index}`));
    await Promise.all(streams.map(async (stream) => stream.closed || (await once(stream, 'close'))));
    await client.ping();
    expect([client.streamCount, server.streamCount]).toEqual([0, 0]);
  });

  test('holds back a writer whose reader never reads, within the window, while other streams go on', async () => {
    const { client, server, stream } = await start();
    const [writer] = await stream();
    let isBlocked = false;
    for (let written = 0; written < 32 * 1024 * 1024; written += 65_536) isBlocked = !writer.write(Buffer.alloc(65_536));
    expect(isBlocked).toBe(true);
    const [other, otherEnd] = await stream();
    otherEnd.pipe(otherEnd);
    const [received] = await Promise.all([receiveBytes(other), sendBytes(other, 1024 * 1024)]);
    expect(received.bytes).toBe(1024 * 1024);
    const overhead = 1024 * 1024 + 65_536;
    expect(server.bytesRead).toBeLessThan(limits.mux.initialWindow.default + overhead);
    expect(client.streamCount).toBe(1);
  });

  test('answers a small stream while another sends without end, as fast as it can', async () => {
    const { client, stream } = await start();
    const [bulk, bulkEnd] = await stream();
    bulkEnd.resume();
    const sent = sendBytes(bulk, Number.POSITIVE_INFINITY);
    const [small, smallEnd] = await stream();
    smallEnd.pipe(smallEnd);
    for (let round = 0; round < 20; round += 1) {
      small.write('tick');
      await once(small, 'data');
    }
    small.destroy();
    bulk.destroy();
    await expect(sent).rejects.toThrow('destroyed');
    expect(client.streamCount).toBe(0);
  });
}

function endCases(start: Start): void {
  test('ends each direction of a stream on its own', async () => {
    const { stream, client, server } = await start();
    const [near, far] = await stream();
    near.end('question');
    expect(await receiveText(far)).toBe('question');
    expect(near.writableEnded && !near.readableEnded).toBe(true);
    const answer = receiveText(near);
    far.write('an answer ');
    far.end('after the end');
    expect(await answer).toBe('an answer after the end');
    await client.ping();
    expect([client.streamCount, server.streamCount]).toEqual([0, 0]);
  });

  test('delivers everything that was written before the end to a reader that starts late', async () => {
    const { stream, client } = await start();
    const [near, far] = await stream();
    near.end(Buffer.alloc(500_000, 1));
    await once(near, 'finish');
    await client.ping();
    expect((await receiveBytes(far)).bytes).toBe(500_000);
  });

  test('tells the far end of a destroyed stream', async () => {
    const { stream, client, server } = await start();
    const [near, far] = await stream();
    near.destroy();
    expect(await endError(far)).toMatchObject({ code: 'ERR_RSTREAM_STREAM_RESET' });
    await client.ping();
    expect([client.streamCount, server.streamCount]).toEqual([0, 0]);
  });

  test('ends every stream on both ends with a coded error of its own within a second after the carrier died', async () => {
    const { client, server, stream, carriers } = await start();
    const ends: MuxStream[] = [];
    for (let index = 0; index < 50; index += 1) ends.push(...(await stream()));
    const from = performance.now();
    carriers[0].destroy();
    const errors = await Promise.all(ends.map((end) => endError(end)));
    expect(performance.now() - from).toBeLessThan(1000);
    expect(errors.every((error) => RstreamError.is(error) && error.code === 'SESSION_LOST')).toBe(true);
    expect(new Set(errors).size).toBe(ends.length);
    expect(await client.closed).toMatchObject({ code: 'SESSION_LOST' });
    expect(await server.closed).toMatchObject({ code: 'SESSION_LOST' });
    expect(() => client.open()).toThrow(expect.objectContaining({ code: 'ERR_RSTREAM_SESSION_CLOSED' }));
  });
}

function sessionCases(start: Start): void {
  test('measures the round trip with a ping from either end', async () => {
    const { client, server } = await start();
    expect(await client.ping()).toBeGreaterThan(0);
    expect(await server.ping()).toBeGreaterThan(0);
    expect(client.rtt).toBeGreaterThan(0);
  });

  test('opens streams from the server side too', async () => {
    const { server } = await start({ client: echo });
    const stream = server.open();
    const text = receiveText(stream);
    stream.end('from the server');
    expect(await text).toBe('from the server');
    expect(stream.id % 2).toBe(0);
  });

  test('drains after go-away: running streams go on, new ones are refused on both ends', async () => {
    const { client, server, stream } = await start();
    const [near, far] = await stream();
    far.pipe(far);
    server.goAway();
    await server.ping();
    expect([client.isDraining, server.isDraining]).toEqual([true, true]);
    expect(() => client.open()).toThrow(expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }));
    expect(() => server.open()).toThrow(expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }));
    const text = receiveText(near);
    near.end('still here');
    expect(await text).toBe('still here');
  });

  test('ends cleanly on both ends when one closes', async () => {
    const { client, server, stream } = await start();
    const [near, far] = await stream();
    client.close();
    expect(await endError(near)).toMatchObject({ code: 'ERR_RSTREAM_SESSION_CLOSED' });
    expect(RstreamError.is(await endError(far))).toBe(true);
    expect(await client.closed).toBeUndefined();
    expect(server.isClosed || (await server.closed) !== null).toBe(true);
  });

  test('closes with the code of the error it was given', async () => {
    const { client, stream } = await start();
    const [near] = await stream();
    client.close(new RstreamError('UNAUTHORIZED', 'The credential was revoked.'));
    expect(await endError(near)).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(await client.closed).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  test('keeps nothing of 2,000 streams that were opened, used and ended', async () => {
    const { client, server } = await start({ server: echo });
    for (let round = 0; round < 20; round += 1) {
      const streams = Array.from({ length: 100 }, () => client.open());
      await Promise.all(streams.map((stream) => (stream.end('x'), receiveText(stream))));
    }
    await client.ping();
    expect([client.streamCount, server.streamCount]).toEqual([0, 0]);
  });
}
