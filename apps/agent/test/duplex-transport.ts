import type { Duplex } from 'node:stream';
import type { WebttyTransport } from '@rstream/webtty-client';

/** A Node stream as the pipe of a command: its async iterator reads with backpressure. */
export function duplexTransport(stream: Duplex): WebttyTransport {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  stream.on('error', () => undefined);
  return {
    read: async () => {
      const { done, value } = await chunks.next();
      return done === true ? undefined : value;
    },
    write: (chunk) =>
      new Promise((resolve, reject) => {
        stream.write(chunk, (error) => (error === null || error === undefined ? resolve() : reject(error)));
      }),
    close: () => void stream.destroy(),
  };
}
