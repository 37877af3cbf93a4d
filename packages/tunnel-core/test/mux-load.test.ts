import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { linkedPair } from '../src/mux/linked-pair.ts';
import { sessionPair, type CarrierFactory, type SessionPair } from '../src/testing/session-pair.ts';
import { receiveBytes, sendBytes } from '../src/testing/stream-load.ts';

const isFull = process.env['RSTREAM_TEST_FULL'] === '1';
const gibibyte = 1024 ** 3;

const tcp: CarrierFactory = async () => {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const near = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(listener, 'connection')) as [Socket];
  return { ends: [near, far], release: () => void listener.close() };
};
const memory: CarrierFactory = () => Promise.resolve({ ends: linkedPair() });

let pair: SessionPair | undefined;
afterEach(async () => {
  await pair?.release();
  pair = undefined;
});

describe('one stream', () => {
  test('carries 128 MiB over TCP with an equal hash', async () => {
    pair = await sessionPair(tcp);
    const [near, far] = await pair.stream();
    const [received, sent] = await Promise.all([receiveBytes(far), sendBytes(near, gibibyte / 8)]);
    expect(received).toEqual({ bytes: gibibyte / 8, hash: sent });
  });

  test.runIf(isFull)('carries 1 GiB over TCP with an equal hash and flat memory', { timeout: 60_000 }, async () => {
    pair = await sessionPair(tcp);
    const [near, far] = await pair.stream();
    const before = process.memoryUsage().rss;
    const [received, sent] = await Promise.all([receiveBytes(far), sendBytes(near, gibibyte)]);
    expect(received).toEqual({ bytes: gibibyte, hash: sent });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });
});

describe('streams that come and go', () => {
  test('leave nothing behind over 10,000 cycles: no stream, no growth of the heap', async () => {
    pair = await sessionPair(memory, { server: { onStream: (stream) => void stream.pipe(stream) } });
    const { client, server } = pair;
    const cycle = async (): Promise<void> => {
      const stream = client.open();
      stream.resume().end('x');
      await once(stream, 'close');
    };
    const cycles = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += 100) await Promise.all(Array.from({ length: 100 }, cycle));
      await client.ping();
    };
    await cycles(2_000);
    const before = heapUsed();
    await cycles(10_000);
    expect([client.streamCount, server.streamCount]).toEqual([0, 0]);
    expect(heapUsed() - before).toBeLessThan(1_500_000);
  });

  test('share the carrier evenly', async () => {
    pair = await sessionPair(tcp);
    const counts = new Map<number, number>();
    const total = 64 * 1024 * 1024;
    const finished = Array.from({ length: 8 }, async () => {
      const [near, far] = await (pair as SessionPair).stream();
      far.on('data', (chunk: Buffer) => counts.set(far.id, (counts.get(far.id) ?? 0) + chunk.length));
      await Promise.all([sendBytes(near, total / 8), once(far, 'end')]);
      return Math.min(...counts.values());
    });
    const leastWhenFirstEnds = await Promise.race(finished);
    expect(leastWhenFirstEnds).toBeGreaterThan((total / 8) * 0.5);
    await Promise.all(finished);
  });
});

/** Many unread one-byte frames cost their receiver about what they weigh, not an object each. */
describe('a stream that is never read', () => {
  test('holds a window of one-byte frames in a small multiple of their size', async () => {
    pair = await sessionPair(memory, { server: { keepaliveInterval: 0 } });
    const [near, far] = await pair.stream();
    far.pause();
    const count = 60_000;
    const before = heapUsed();
    const frame = Buffer.from('00000000000000010000000141', 'hex');
    const frames = Buffer.concat(Array.from({ length: count / 60 }, () => frame));
    for (let round = 0; round < 60; round += 1) pair.carriers[0].write(frames);
    await pair.client.ping();
    expect(heapUsed() - before).toBeLessThan(4_000_000);
    expect((await readUpTo(far, count)).length).toBe(count);
    near.destroy();
  });
});

async function readUpTo(stream: NodeJS.ReadableStream, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes >= count) break;
  }
  return Buffer.concat(chunks);
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed + process.memoryUsage().external;
}
