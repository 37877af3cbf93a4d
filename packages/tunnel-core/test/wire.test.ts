import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { relayLimits } from '@rstream/protocol/limits';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { acceptStream, ControlChannel, linkedPair, readAnswer, readOpenHeader, refuseStream, sendOpenHeader } from '../src/index.ts';

const header = { kind: 'dial', target: 'web', path: '/a' } as const;

function frame(value: unknown): Buffer {
  const body = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** Writes bytes in the given pieces, each arriving on its own. */
async function writeInPieces(stream: Duplex, bytes: Buffer, cuts: readonly number[]): Promise<void> {
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (const [index, edge] of edges.slice(1).entries()) {
    const piece = bytes.subarray(edges[index], edge);
    if (piece.length > 0) await new Promise((resolve) => stream.write(piece, resolve));
  }
}

async function readAll(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('the open header', () => {
  test('is read exactly, whatever the chunks, and leaves what follows in the stream', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 12 }), fc.string(), async (cuts, rest) => {
        const [near, far] = linkedPair();
        const written = writeInPieces(near, Buffer.concat([frame(header), Buffer.from(rest)]), cuts).then(() => near.end());
        expect(await readOpenHeader(far)).toEqual(header);
        expect(await readAll(far)).toBe(rest);
        await written;
        far.end();
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['zero length', Buffer.alloc(4)],
    ['a length above the limit', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['text that is not JSON', frame('{"kind":')],
    ['an unknown kind', frame({ kind: 'other' })],
    ['an unknown field', frame({ ...header, more: 1 })],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ])('is refused with INVALID_STREAM when it is %s', async (_name, bytes) => {
    const [near, far] = linkedPair();
    near.write(bytes);
    await expect(readOpenHeader(far)).rejects.toMatchObject({ code: 'INVALID_STREAM' });
  });

  test('that is any garbage ends with a code and never hangs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const [near, far] = linkedPair();
        near.end(Buffer.from(bytes));
        const failure: unknown = await readOpenHeader(far).catch((error: unknown) => error);
        expect(RstreamError.is(failure)).toBe(true);
        near.destroy();
        far.destroy();
      }),
      { numRuns: 100 },
    );
  });

  test('that does not come is waited for no longer than the deadline', async () => {
    const [, far] = linkedPair();
    await expect(readOpenHeader(far, { timeout: 20 })).rejects.toMatchObject({ code: 'ERR_RSTREAM_TIMEOUT' });
    await expect(readOpenHeader(far, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_RSTREAM_ABORTED' });
    expect(far.listenerCount('readable')).toBe(0);
  });

  test('that is cut short reads as a lost session', async () => {
    const [near, far] = linkedPair();
    near.end(frame(header).subarray(0, 9));
    await expect(readOpenHeader(far)).rejects.toMatchObject({ code: 'SESSION_LOST' });
  });
});

describe('the answer', () => {
  test('yes leaves the data behind it in the stream, also for a flowing reader', async () => {
    const [opener, acceptor] = linkedPair();
    sendOpenHeader(opener, header);
    opener.write('early');
    await readOpenHeader(acceptor);
    acceptStream(acceptor);
    acceptor.write('data');
    await readAnswer(opener);
    const [chunk] = (await once(opener, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('data');
    const [early] = (await once(acceptor, 'data')) as [Buffer];
    expect(early.toString()).toBe('early');
  });

  test('no carries code, sentence and next step', async () => {
    const [opener, acceptor] = linkedPair();
    refuseStream(acceptor, new RstreamError('UPSTREAM_UNREACHABLE', 'Nothing at 127.0.0.1:3000.', { next: 'Start it.' }));
    await expect(readAnswer(opener)).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      message: 'Nothing at 127.0.0.1:3000.',
      next: 'Start it.',
    });
  });

  test.each([
    ['neither yes nor no', Buffer.of(7), 'INVALID_STREAM'],
    ['a no without a reason', Buffer.concat([Buffer.of(1), frame({})]), 'INVALID_STREAM'],
    ['a no that is cut', Buffer.of(1, 0), 'SESSION_LOST'],
    ['nothing', Buffer.alloc(0), 'SESSION_LOST'],
  ])('%s is an error with a code', async (_name, bytes, code) => {
    const [opener, acceptor] = linkedPair();
    acceptor.end(bytes);
    await expect(readAnswer(opener)).rejects.toMatchObject({ code });
  });

  test('that arrived right before the stream was cut is still read', async () => {
    const [opener, acceptor] = linkedPair();
    opener.on('error', () => {});
    const answer = readAnswer(opener);
    acceptor.write(Buffer.concat([Buffer.of(1), frame({ error: 'No.', code: 'FORBIDDEN' })]));
    await new Promise((resolve) => opener.once('readable', () => opener.destroy(new Error('cut')) && resolve(undefined)));
    await expect(answer).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('of a stream that is reset is the error of the reset', async () => {
    const [opener] = linkedPair();
    const answer = readAnswer(opener);
    opener.destroy(new RstreamError('TUNNEL_OFFLINE'));
    await expect(answer).rejects.toMatchObject({ code: 'TUNNEL_OFFLINE' });
  });
});

describe('a control channel', () => {
  type Message = { n: number; text?: string };
  function channel(stream: Duplex, onMessage: (message: Message) => void = () => {}, limit?: number) {
    return new ControlChannel<Message, Message>(stream, {
      parse: (value) => value as Message,
      onMessage,
      ...(limit === undefined ? {} : { limit }),
    });
  }

  test('delivers messages in order, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 20 }), async (cuts) => {
        const [near, far] = linkedPair();
        const seen: number[] = [];
        const { closed } = channel(far, ({ n }) => seen.push(n));
        await writeInPieces(near, Buffer.concat([1, 2, 3, 4].map((n) => frame({ n }))), cuts);
        near.end();
        expect(await closed).toBeUndefined();
        expect(seen).toEqual([1, 2, 3, 4]);
      }),
      { numRuns: 40 },
    );
  });

  test('delivers a message that already waits only after its owner holds the channel', async () => {
    const [near, far] = linkedPair();
    near.write(frame({ n: 1 }));
    await once(far, 'readable');
    const held: { channel?: unknown } = {};
    const delivered = new Promise<unknown>((resolve) => {
      held.channel = channel(far, () => resolve(held.channel));
    });
    expect(await delivered).toBeInstanceOf(ControlChannel);
  });

  test('ends with a code when a message is too large, unreadable, or its handler throws', async () => {
    for (const [bytes, code] of [
      [frame('x'.repeat(200)), 'INVALID_STREAM'],
      [frame('{nope'), 'INVALID_STREAM'],
      [frame({ n: 13 }), 'FORBIDDEN'],
    ] as const) {
      const [near, far] = linkedPair();
      const refuse = ({ n }: Message): void => {
        if (n === 13) throw new RstreamError('FORBIDDEN');
      };
      const { closed } = channel(far, refuse, 100);
      near.write(bytes);
      expect(await closed).toMatchObject({ code });
    }
  });

  test('does not send more than its limit', () => {
    const [near] = linkedPair();
    const text = 'x'.repeat(relayLimits.controlMessageBytes.default);
    expect(() => channel(near).send({ n: 1, text })).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });

  test('ends when the peer does not read, instead of holding more and more', async () => {
    const [near] = linkedPair();
    const control = channel(near);
    for (let n = 0; n < 100; n += 1) control.send({ n, text: 'x'.repeat(60_000) });
    expect(await control.closed).toMatchObject({ code: 'CAPACITY_EXHAUSTED' });
  });

  test('delivers what arrived right before its stream was cut', async () => {
    const [near, far] = linkedPair();
    near.write(frame({ n: 1 }));
    await once(far, 'readable');
    far.on('error', () => {}).destroy(new RstreamError('SESSION_LOST'));
    const seen: number[] = [];
    const { closed } = channel(far, ({ n }) => seen.push(n));
    expect(await closed).toMatchObject({ code: 'SESSION_LOST' });
    expect(seen).toEqual([1]);
  });

  test('tells that its stream was cut', async () => {
    const [near, far] = linkedPair();
    const { closed } = channel(near);
    far.destroy();
    expect(await closed).toMatchObject({ code: 'SESSION_LOST' });
  });
});
