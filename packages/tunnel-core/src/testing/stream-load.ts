import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex, Readable } from 'node:stream';

const block = randomBytes(65_536);

/**
 * Writes `bytes` bytes of a repeating block, waits whenever the stream asks to, ends it, and returns the SHA-256 of what was written.
 * @throws the stream's error when it is destroyed before
 */
export async function sendBytes(stream: Duplex, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  for (let left = bytes; left > 0; left -= block.length) {
    const part = left >= block.length ? block : block.subarray(0, left);
    hash.update(part);
    if (!stream.write(part)) await drained(stream);
  }
  stream.end();
  return hash.digest('hex');
}

async function drained(stream: Duplex): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once('drain', resolve).once('close', resolve);
  await promise;
  stream.off('drain', resolve).off('close', resolve);
  if (stream.destroyed) throw stream.errored ?? new Error('The stream was destroyed while it was written to.');
}

/** Reads to the end: how much came, and its SHA-256. */
export async function receiveBytes(stream: Readable): Promise<{ bytes: number; hash: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    hash.update(chunk);
  });
  await once(stream, 'end');
  return { bytes, hash: hash.digest('hex') };
}

/** Reads to the end as text. */
export async function receiveText(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks).toString();
}

/** The error with which a stream ends; fails when it closes without one. */
export async function endError(stream: Duplex): Promise<unknown> {
  if (stream.errored !== null) return stream.errored;
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', resolve));
  return stream.errored;
}
