import { close, constants, openSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Entry } from './entry.ts';
import type { Folder } from './folder.ts';

const closeElsewhere = promisify(close);
/** Blocks of a smaller file are freed in no time. */
const LARGE_BYTES = 16_777_216;
const nothing = async (): Promise<void> => {};

/**
 * Holds the content of a large file that is about to lose its name. The system frees its blocks, which takes a while, only when the
 * returned function lets go of it, and then in a thread of its own: not in the turn of the loop that changes the name.
 */
export function holdContent(folder: Folder, name: string, entry: Entry): () => Promise<void> {
  if (entry.kind !== 'file' || entry.size < LARGE_BYTES) return nothing;
  try {
    const fd = openSync(folder.at(name), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    return () => closeElsewhere(fd);
  } catch {
    return nothing; // One that cannot be read can still lose its name.
  }
}
