import { readSync } from 'node:fs';

/** The kernel gives no more than this of a terminal's output in one read, and gives it all when more is waiting. */
const FULL_READ_BYTES = 4_095;
/** What is read in one turn of the event loop: as much as one message carries. */
const scratch = Buffer.alloc(65_536);

/**
 * Output that is there already, joined with `first`, which Node has read. A program that writes fast fills the terminal faster than
 * Node comes back for it, and each trip through all the hops to a viewer costs as much for 4 KiB as for 64.
 */
export function readOn(descriptor: number, first: Buffer): Buffer {
  if (first.byteLength < FULL_READ_BYTES || first.byteLength > scratch.byteLength / 2) return first;
  let filled = first.copy(scratch);
  while (scratch.byteLength - filled >= FULL_READ_BYTES) {
    const read = readNow(descriptor, filled);
    filled += read;
    if (read < FULL_READ_BYTES) break;
  }
  return Buffer.from(scratch.subarray(0, filled));
}

/** 0 when nothing is there now. The descriptor does not block. */
function readNow(descriptor: number, at: number): number {
  try {
    return readSync(descriptor, scratch, at, scratch.byteLength - at, null);
  } catch {
    // EAGAIN is the usual one. Any other will come back where Node reads.
    return 0;
  }
}
