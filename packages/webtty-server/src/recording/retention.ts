import type { Stats } from 'node:fs';
import { readdir, lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { chainPath, isRecordingName } from './directory.ts';

/** What may stay in a folder of recordings. */
export interface Retention {
  readonly directory: string;
  readonly maxAgeMs: number;
  readonly maxTotalBytes: number;
  /** Names of the files that are being written: they stay. */
  readonly active: ReadonlySet<string>;
  /** Time in ms since the epoch. */
  readonly now: number;
}

interface Kept {
  readonly name: string;
  readonly bytes: number;
  readonly writtenAt: number;
}

/** Removes recordings with their chains: those that are too old, then the oldest until the rest fits. Returns the names. */
export async function removeOld({ directory, maxAgeMs, maxTotalBytes, active, now }: Retention): Promise<string[]> {
  const recordings = await listKept(directory);
  let total = recordings.reduce((sum, { bytes }) => sum + bytes, 0);
  const removed: string[] = [];
  for (const { name, bytes, writtenAt } of recordings) {
    if (active.has(name)) continue;
    if (now - writtenAt <= maxAgeMs && total <= maxTotalBytes) continue;
    await rm(join(directory, name), { force: true });
    await rm(chainPath(join(directory, name)), { force: true });
    total -= bytes;
    removed.push(name);
  }
  return removed;
}

/** Oldest first, which is the order of the names. Only what has the name of a recording: other files in the folder are not ours. */
async function listKept(directory: string): Promise<Kept[]> {
  const names = (await readdir(directory)).filter(isRecordingName).sort();
  const kept: Kept[] = [];
  for (const name of names) {
    const cast = await lstatIfThere(join(directory, name));
    if (cast?.isFile() !== true) continue;
    const chain = await lstatIfThere(chainPath(join(directory, name)));
    kept.push({ name, bytes: cast.size + (chain?.size ?? 0), writtenAt: cast.mtimeMs });
  }
  return kept;
}

async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
