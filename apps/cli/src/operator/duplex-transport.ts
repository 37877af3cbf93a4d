import type { Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import type { WebttyTransport } from '@rstream/webtty-client';

/** Chunks that wait for `read` before the stream is paused: enough that pausing is rare, small enough to bound memory. */
const READ_AHEAD = 8;

/** A Node stream as the pipe of a command. The transport owns the stream. */
export function duplexTransport(stream: Duplex): WebttyTransport {
  const chunks: Uint8Array[] = [];
  let ended = false;
  let failure: Error | undefined;
  let wakeReader: (() => void) | undefined;
  let drained: PromiseWithResolvers<void> | undefined;
  const wake = (): void => {
    wakeReader?.();
    wakeReader = undefined;
  };
  stream.on('data', (chunk: Uint8Array) => {
    chunks.push(chunk);
    if (chunks.length >= READ_AHEAD) stream.pause();
    wake();
  });
  stream.on('end', () => {
    ended = true;
    wake();
  });
  stream.on('error', (error) => {
    failure = error;
  });
  stream.on('drain', () => {
    drained?.resolve();
    drained = undefined;
  });
  stream.on('close', () => {
    if (!ended) failure ??= new RstreamError('SESSION_LOST');
    drained?.resolve();
    wake();
  });
  return {
    async read() {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) {
          if (chunks.length < READ_AHEAD / 2 && stream.isPaused()) stream.resume();
          return chunk;
        }
        if (failure !== undefined) throw failure;
        if (ended) return undefined;
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
    },
    write(chunk) {
      if (failure !== undefined) return Promise.reject(failure);
      if (stream.write(chunk)) return undefined;
      drained ??= Promise.withResolvers();
      return drained.promise;
    },
    close() {
      stream.destroy();
    },
  };
}
