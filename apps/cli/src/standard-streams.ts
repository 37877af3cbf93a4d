import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Writes chunks as they come and reads no faster than they are taken. */
export async function pumpOutput(source: AsyncIterable<Uint8Array>, target: Writable): Promise<void> {
  for await (const chunk of source) {
    if (!target.write(chunk)) await once(target, 'drain');
  }
}
