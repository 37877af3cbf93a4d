import type { Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import type { WebttyTransport } from '@rstream/webtty-client';

/** Chunks that wait for `read` before the stream is paused: enough that pausing is rare, small enough to bound memory. */
const READ_AHEAD = 8;

/** A transport that says what becomes of its last bytes. */
export interface DuplexTransport extends WebttyTransport {
  /** Settles after `close`, when the device has closed too: it has everything that was sent. Or when its time for that is over. */
  readonly closed: Promise<void>;
  readonly isClosing: boolean;
}

/** A Node stream as the pipe of a command. The transport owns the stream. */
export function duplexTransport(stream: Duplex): DuplexTransport {
  let isClosing = false;
  const closed = Promise.withResolvers<void>();
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
    closed.resolve();
    wake();
  });
  return {
    closed: closed.promise,
    get isClosing() {
      return isClosing;
    },
    async read() {
      for (;;) {
        if (isClosing) return undefined;
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
      if (isClosing) return Promise.reject(new RstreamError('ERR_RSTREAM_ABORTED', 'The connection is closed.'));
      if (stream.write(chunk)) return undefined;
      drained ??= Promise.withResolvers();
      return drained.promise;
    },
    close() {
      if (isClosing) return;
      isClosing = true;
      wake();
      drained?.resolve();
      if (stream.closed) return;
      // The last message is often why it is closed: to leave a terminal running, for one. What still arrives is dropped.
      const timer = setTimeout(() => stream.destroy(), limits.webtty.clientClose.default);
      stream.once('close', () => clearTimeout(timer));
      stream.removeAllListeners('data');
      stream.resume();
      stream.end();
    },
  };
}
