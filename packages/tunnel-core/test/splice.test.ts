import { once } from 'node:events';
import type { Socket } from 'node:net';
import { RstreamError } from '@rstream/protocol';
import { expect, test } from 'vitest';
import { createSession, linkedPair, splice, type MuxStream } from '../src/index.ts';
import { endError, receiveBytes, receiveText, sendBytes } from '../src/testing.ts';
import { socketPair } from './sockets.ts';

/** near ⇄ a ~splice~ b ⇄ far, all real sockets. */
async function spliced(signal?: AbortSignal) {
  const [near, a] = await socketPair();
  const [b, far] = await socketPair();
  return { near, far, done: splice(a, b, { signal }) };
}

/** Like `spliced`, with a mux stream on the near side. */
async function muxSpliced() {
  const [left, right] = linkedPair();
  const arrived = Promise.withResolvers<MuxStream>();
  const client = createSession(left, { role: 'client' });
  const server = createSession(right, { role: 'server', onStream: (stream) => arrived.resolve(stream) });
  const near = client.open();
  const [b, far] = await socketPair();
  const done = splice(await arrived.promise, b);
  return { near, far, done, release: () => (client.close(), server.close()) };
}

test('a splice passes bytes both ways, counts them, and ends when both directions have', async () => {
  const { near, far, done } = await spliced();
  const received = receiveBytes(far);
  const [sent] = await Promise.all([sendBytes(near, 3_000_000), received]);
  expect(await received).toEqual({ bytes: 3_000_000, hash: sent });
  const answer = receiveText(near);
  far.end('answer');
  expect(await answer).toBe('answer');
  expect(await done).toEqual({ aToB: 3_000_000, bToA: 6 });
});

test('a splice half-closes: the far end answers after it has seen the end', async () => {
  const { near, far, done } = await spliced();
  near.end('question');
  expect(await receiveText(far)).toBe('question');
  const answer = receiveText(near);
  far.write('still ');
  far.end('here');
  expect(await answer).toBe('still here');
  expect(await done).not.toHaveProperty('error');
});

test('a reset on one side is a reset on the other, not an end', async () => {
  const { near, far, done } = await spliced();
  const failure = once(far, 'error') as Promise<[NodeJS.ErrnoException]>;
  far.resume();
  near.resetAndDestroy();
  expect((await failure)[0].code).toBe('ECONNRESET');
  expect(await done).toMatchObject({ error: { code: 'ECONNRESET' } });
});

test('a stream that is reset in the mux resets the TCP connection behind it, and the other way round', async () => {
  const first = await muxSpliced();
  const failure = once(first.far, 'error') as Promise<[NodeJS.ErrnoException]>;
  first.far.resume();
  first.near.destroy();
  expect((await failure)[0].code).toBe('ECONNRESET');
  await first.done;
  first.release();

  const second = await muxSpliced();
  second.far.resetAndDestroy();
  expect(await endError(second.near)).toMatchObject({ code: 'ERR_RSTREAM_STREAM_RESET' });
  await second.done;
  second.release();
});

test('a slow reader holds the sender back', async () => {
  const { near, far, done } = await spliced();
  far.pause();
  let blocked = false;
  for (let written = 0; written < 64 && !blocked; written += 1) {
    blocked = !near.write(Buffer.alloc(1_000_000)) && !(await Promise.race([once(near, 'drain').then(() => true), turn(50)]));
  }
  expect(blocked).toBe(true);
  near.destroy();
  far.destroy();
  await done;
});

test('the signal cuts both sides and is named in the result', async () => {
  const cancel = new AbortController();
  const { near, far, done } = await spliced(cancel.signal);
  near.resume();
  far.resume();
  cancel.abort(new RstreamError('UNAUTHORIZED', 'The credential was revoked.'));
  expect(await done).toMatchObject({ error: { code: 'UNAUTHORIZED' } });
  await Promise.all([gone(near), gone(far)]);
});

test('a side that is already gone ends the splice at once', async () => {
  const [near, a] = await socketPair();
  const [b, far] = await socketPair();
  a.destroy();
  await gone(a);
  expect(await splice(a, b)).toMatchObject({ aToB: 0, bToA: 0, error: { code: 'SESSION_LOST' } });
  far.resume();
  near.resume();
  await gone(far);
});

async function gone(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

/** Resolves false when nothing happened for a while: here the absence of progress is what is looked for. */
function turn(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms));
}
