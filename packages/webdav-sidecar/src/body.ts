import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { limits } from '@rstream/protocol';
import { Failure } from './failure.ts';

/** Bytes that the request announces, or undefined for a chunked body. */
export function announcedBytes(request: IncomingMessage): number | undefined {
  const header = request.headers['content-length'];
  if (header !== undefined) return Number(header);
  return request.headers['transfer-encoding'] === undefined ? 0 : undefined;
}

const received = new WeakMap<IncomingMessage, number>();

/** Bytes of the body that were taken so far. */
export const receivedBytes = (request: IncomingMessage): number => received.get(request) ?? 0;

/** True when the request has a body. */
export const hasBody = (request: IncomingMessage): boolean => announcedBytes(request) !== 0;

/**
 * The body chunk by chunk. Throws 413 past `limit` bytes, before reading when the length is announced; 408 when the client pauses for
 * too long; 400 when it goes away before the end.
 */
export async function* readChunks(request: IncomingMessage, limit: number): AsyncGenerator<Buffer> {
  const announced = announcedBytes(request);
  const tooLarge = (): Failure => new Failure(413, `The body is larger than ${limit} bytes.`);
  if (announced !== undefined && announced > limit) throw tooLarge();
  let idle = false;
  const timer = setTimeout(() => {
    idle = true;
    request.destroy();
  }, limits.webdav.bodyIdleTimeout.default);
  let taken = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      timer.refresh();
      taken += chunk.length;
      received.set(request, taken);
      if (taken > limit) throw tooLarge();
      yield chunk;
      timer.refresh();
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(idle ? 408 : 400, 'The body ended too early.', { cause: error });
  } finally {
    clearTimeout(timer);
  }
  if (!request.complete || (announced !== undefined && taken !== announced)) throw new Failure(400, 'The body ended too early.');
}

/** A small body as a whole. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readChunks(request, limit)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** True when more of the body may come than is read on after a refusal: the connection then ends with the answer. */
export function tooMuchToDrain(request: IncomingMessage): boolean {
  return !request.complete && (announcedBytes(request) ?? Infinity) > limits.webdav.refusedBodyBytes.default;
}

/** Reads on for a while after a refusal and ends when the body does, or at a limit. A reset right after an answer would lose the answer. */
export async function drainRefused(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  let left = limits.webdav.refusedBodyBytes.default;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, limits.webdav.refusedBodyTimeout.default);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) done();
    });
    for (const event of ['end', 'close', 'error']) request.once(event, done);
    request.resume();
  });
  if (!request.complete) request.destroy();
}

/** Writes and waits until the client has taken enough of it. Throws when the client is gone. */
export async function writeOut(response: ServerResponse, data: string | Uint8Array): Promise<void> {
  if (response.destroyed) throw new Failure(400, 'The client is gone.');
  if (response.write(data)) return;
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  response.once('close', onClose);
  try {
    await once(response, 'drain', { signal: gone.signal });
  } catch (error) {
    throw new Failure(400, 'The client is gone.', { cause: error });
  } finally {
    response.off('close', onClose);
  }
}
