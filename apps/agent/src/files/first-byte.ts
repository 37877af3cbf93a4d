import type { Duplex } from 'node:stream';

/** What a dialled stream speaks: HTTP, or the `plain` frames of WebTTY, whose first byte is of a length below 2^24. */
export type Spoken = 'http' | 'frames';

/** Every method of HTTP begins with a letter. */
const isLetter = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/**
 * Looks at the first byte of a stream and leaves every byte in it. Undefined when none comes within `timeoutMs`, or the stream ends
 * before it. Whoever gets the stream may read it in any way.
 */
export function peekFirstByte(stream: Duplex, timeoutMs: number): Promise<Spoken | undefined> {
  return new Promise((resolve) => {
    const settle = (spoken: Spoken | undefined): void => {
      clearTimeout(timer);
      for (const event of ['end', 'close', 'error']) stream.off(event, onOver);
      stream.off('readable', onReadable);
      // Only in the next turn does the stream forget that someone waited for `readable`; a reader of `data` would wait for ever before.
      setImmediate(() => resolve(stream.destroyed ? undefined : spoken));
    };
    const onOver = (): void => settle(undefined);
    const onReadable = (): void => {
      const chunk: unknown = stream.read();
      if (!(chunk instanceof Uint8Array) || chunk[0] === undefined) return;
      const spoken = isLetter(chunk[0]) ? 'http' : 'frames';
      stream.unshift(chunk);
      settle(spoken);
    };
    const timer = setTimeout(onOver, timeoutMs);
    for (const event of ['end', 'close', 'error']) stream.once(event, onOver);
    stream.on('readable', onReadable);
  });
}
