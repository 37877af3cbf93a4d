import { read as readCallback, readSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { Failure } from './failure.ts';
import type { ByteRange } from './range.ts';

const read = promisify(readCallback);
/** As much is read at once: cheaper than a turn through the thread pool. */
const SMALL_BYTES = 65_536;
const CHUNK_BYTES = 262_144;

/**
 * Sends bytes of an open file: one part is read while the one before goes out, and never more. Cuts the answer when the file became
 * shorter meanwhile, since its length was promised.
 */
export async function sendBytes(response: ServerResponse, fd: number, { start, end }: ByteRange): Promise<void> {
  // A socket of the system is done with a buffer when it says so, and two are enough. What else carries an answer may hold on to it.
  const spare: Buffer[] | undefined = response.socket instanceof Socket ? [] : undefined;
  let sent: Promise<void> | undefined;
  for (let position = start; position <= end;) {
    const length = Math.min(CHUNK_BYTES, end + 1 - position);
    const buffer = spare?.pop() ?? Buffer.allocUnsafeSlow(length <= SMALL_BYTES ? length : CHUNK_BYTES);
    const count =
      length <= SMALL_BYTES ? readSync(fd, buffer, 0, length, position) : (await read(fd, buffer, 0, length, position)).bytesRead;
    if (count === 0) throw new Failure(500, 'The file became shorter meanwhile.');
    position += count;
    await sent;
    sent = send(response, buffer.subarray(0, count));
    // Awaited in the next round; a client that goes away before that is no surprise then.
    sent.then(() => spare?.push(buffer)).catch(() => undefined);
  }
  await sent;
}

/** Writes; settles when the bytes have left, and throws when the client is gone. */
function send(response: ServerResponse, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Failure(400, 'The client is gone.'));
    if (response.destroyed) return gone();
    response.once('close', gone);
    response.write(data, (error) => {
      response.off('close', gone);
      if (error === null || error === undefined) resolve();
      else gone();
    });
    return undefined;
  });
}
