import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import { StreamAgent, type OpenStream } from './stream-agent.ts';

export interface FileRequest {
  readonly method: string;
  /** Path and query as they go out. */
  readonly target: string;
  readonly headers?: OutgoingHttpHeaders;
  /** A stream is sent with the length in the headers, or chunked, and no faster than it is taken. */
  readonly body?: Uint8Array | string | Readable;
  readonly signal?: AbortSignal | undefined;
}

/** HTTP/1.1 with one device, over streams that are dialled. */
export interface FileHttp {
  /** Host that requests name. */
  readonly host: string;
  /** Resolves with the head of the answer, whatever its status. Its body is read with `chunksOf`, or let go with `resume`. */
  send(request: FileRequest): Promise<IncomingMessage>;
  close(): void;
}

export interface FileHttpOptions {
  readonly open: OpenStream;
  readonly host: string;
  readonly connections?: number | undefined;
}

export function createFileHttp({ open, host, connections = limits.files.connections.default }: FileHttpOptions): FileHttp {
  const agent = new StreamAgent(open, connections);
  let wasThere = false;
  return {
    host,
    async send(request) {
      try {
        const answer = await send(agent, host, request);
        wasThere = true;
        return answer;
      } catch (error) {
        // What was just there is lost, and not absent.
        throw wasThere && isAbsent(error) ? lost('The device cannot be reached any more.', error) : error;
      }
    },
    close: () => agent.destroy(),
  };
}

async function send(agent: StreamAgent, host: string, asked: FileRequest): Promise<IncomingMessage> {
  const { method, target, headers, body, signal } = asked;
  const request = httpRequest({
    agent,
    method,
    path: target,
    host,
    headers: { host, ...headers },
    ...(signal === undefined ? {} : { signal }),
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const patience = setTimeout(() => request.destroy(lost('The device did not answer.')), limits.files.answerTimeout.default);
  request.once('response', resolve);
  // Also later errors of a request whose answer has begun: its body reports them too.
  request.on('error', (error) => reject(toLost(error, signal)));
  try {
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) request.end(body);
    else await pumpBody(body, request, () => patience.refresh(), promise);
    return await promise;
  } catch (error) {
    request.destroy();
    throw toLost(error, signal);
  } finally {
    clearTimeout(patience);
  }
}

/** Sends the body until it is over or the answer has come, which may refuse before all of it was sent. */
async function pumpBody(
  body: Readable,
  request: ReturnType<typeof httpRequest>,
  onProgress: () => void,
  answer: Promise<IncomingMessage>,
): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort();
  answer.then(end, end);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (over.signal.aborted) break;
      onProgress();
      if (!request.write(chunk)) await once(request, 'drain', { signal: over.signal });
    }
    if (!over.signal.aborted) request.end();
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    body.destroy();
  }
}

/**
 * Chunks of a body; an answer that ends too early is a lost connection, and so is one that is silent while more is wanted of it.
 * @param silenceMs longest silence; undefined for a body that may say nothing for ever
 */
export async function* chunksOf(
  answer: IncomingMessage,
  { signal, silenceMs = limits.files.stallTimeout.default }: { signal?: AbortSignal | undefined; silenceMs?: number | undefined } = {},
): AsyncGenerator<Buffer> {
  const chunks = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const next = (): Promise<IteratorResult<Buffer>> => {
    if (!Number.isFinite(silenceMs)) return chunks.next();
    const timer = setTimeout(() => answer.destroy(lost('The device fell silent.')), silenceMs);
    return chunks.next().finally(() => clearTimeout(timer));
  };
  try {
    for (let step = await next(); step.done !== true; step = await next()) yield step.value;
  } catch (error) {
    throw toLost(error, signal);
  } finally {
    // Also when the reader has enough: what is left of the body is not read.
    if (!answer.complete) answer.destroy();
  }
  if (!answer.complete) throw lost('The answer ended too early.');
}

/** The whole body, up to a limit; the rest is not read. */
export async function textOf(answer: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunksOf(answer)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit).toString();
}

const absent = new Set(['TUNNEL_NOT_FOUND', 'TUNNEL_OFFLINE', 'ERR_RSTREAM_CONNECT_FAILED']);

/** True when nobody was reached, which is no reason to try again unless somebody was there before. */
export const isAbsent = (error: unknown): boolean => RstreamError.is(error) && absent.has(error.code);

const lost = (message: string, cause?: unknown): RstreamError => new RstreamError('SESSION_LOST', message, { cause });

/** Any failure below HTTP, as the loss of the connection; what the dial reported stays what it is. */
function toLost(error: unknown, signal: AbortSignal | undefined): Error {
  if (signal?.aborted === true) return new RstreamError('ERR_RSTREAM_ABORTED');
  if (RstreamError.is(error)) return error;
  return lost('The connection to the device was lost.', error);
}
