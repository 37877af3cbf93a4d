import { expect, it } from 'vitest';
import { OutputQueue } from '../src/output-queue.ts';

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

async function all(queue: OutputQueue): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of queue) chunks.push(chunk);
  return chunks;
}

it('gives a reader that was away what came meanwhile in one piece, but for what has to stay by itself', async () => {
  const alone = bytes(9);
  const queue = new OutputQueue(1_000, false, (chunk) => chunk !== alone);
  for (const chunk of [bytes(1), bytes(2, 3), alone, bytes(4), bytes(5)]) void queue.push(chunk);
  queue.end();
  const chunks = await all(queue);
  expect(chunks).toEqual([bytes(1, 2, 3), bytes(9), bytes(4, 5)]);
  expect(chunks[1]).toBe(alone);
});

it('makes no piece larger than a data message, and copies none that is alone', async () => {
  const queue = new OutputQueue(1_000_000, false, () => true);
  const sizes = [40_000, 30_000, 30_000, 100_000, 1];
  const pushed = sizes.map((size, index) => new Uint8Array(size).fill(index));
  for (const chunk of pushed) void queue.push(chunk);
  queue.end();
  const chunks = await all(queue);
  expect(chunks.map(({ byteLength }) => byteLength)).toEqual([40_000, 60_000, 100_000, 1]);
  expect([chunks[0], chunks[2]]).toEqual([pushed[0], pushed[3]]);
  expect(chunks[0]).toBe(pushed[0]);
});

it('joins nothing for a reader of commands', async () => {
  const queue = new OutputQueue(1_000);
  for (const chunk of [bytes(1), bytes(2)]) void queue.push(chunk);
  queue.end();
  expect(await all(queue)).toEqual([bytes(1), bytes(2)]);
});
