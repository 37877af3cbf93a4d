import type { Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { armBound, type Bound } from '../bound.ts';

/**
 * Takes exactly `count` bytes from the front of a stream and leaves everything after them in it, in order and uncopied.
 * Rejects with the stream's own error, or `SESSION_LOST` when it ends before. The stream is not destroyed on failure:
 * that is the caller's decision. Must not be used on a stream that already flows.
 */
export function readExactly(stream: Duplex, count: number, bound: Bound & { readonly what: string }): Promise<Buffer> {
  const ready = take(stream, count);
  if (ready !== undefined) return settled(ready, count);
  return new Promise<Buffer>((resolve, reject) => {
    const finish = (result: Buffer | Error): void => {
      disarm();
      stream.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', onEnd);
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    const onReadable = (): void => {
      const bytes = take(stream, count);
      if (bytes !== undefined) finish(bytes.length === count ? bytes : endedEarly());
    };
    // What arrived just before the stream was cut is still in it, and may be the reason for the cut.
    const onEnd = (): void => {
      const bytes = take(stream, count);
      finish(bytes?.length === count ? bytes : (stream.errored ?? endedEarly()));
    };
    stream.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', onEnd);
    const disarm = armBound(bound, bound.what, finish);
    if (stream.destroyed || stream.readableEnded) onEnd();
  });
}

/** `read(n)` gives `n` bytes, null while fewer are there, or the shorter rest once the stream has ended. */
function take(stream: Duplex, count: number): Buffer | undefined {
  return (stream.read(count) as Buffer | null) ?? undefined;
}

async function settled(bytes: Buffer, count: number): Promise<Buffer> {
  if (bytes.length !== count) throw endedEarly();
  return bytes;
}

function endedEarly(): RstreamError {
  return new RstreamError('SESSION_LOST', 'The stream ended before the far end had answered.');
}
