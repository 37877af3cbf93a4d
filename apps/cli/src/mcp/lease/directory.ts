import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '@rstream/config';
import { LeaseEntry } from './entry.ts';
import { isAlive } from './process-identity.ts';

/**
 * Where the leases of a configuration are: `mcp-local-tunnels/` beside the file, one `<id>.json` and one `<id>.log` per lease.
 * A file per lease has one writer, so no lock is needed and a crash can only lose the lease that crashed.
 */
export function leaseDirectory(configFile: string): string {
  return join(dirname(configFile), 'mcp-local-tunnels');
}

export const entryPath = (directory: string, id: string): string => join(directory, `${id}.json`);
export const logPath = (directory: string, id: string): string => join(directory, `${id}.log`);

export async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
}

export async function writeEntry(directory: string, entry: LeaseEntry): Promise<void> {
  await writeFileAtomic(entryPath(directory, entry.id), `${JSON.stringify(entry, undefined, 2)}\n`);
}

/** Removes every trace of a lease. */
export async function removeEntry(directory: string, id: string): Promise<void> {
  await Promise.all([entryPath(directory, id), logPath(directory, id)].map((path) => rm(path, { force: true })));
}

/** The leases whose process lives, oldest first. What a killed process left behind is removed. */
export async function readEntries(directory: string): Promise<LeaseEntry[]> {
  const names = await readdir(directory).catch(() => []);
  const read = await Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => readEntry(directory, name)));
  return read.filter((entry) => entry !== undefined).toSorted((a, b) => (a.created_at < b.created_at ? -1 : 1));
}

async function readEntry(directory: string, name: string): Promise<LeaseEntry | undefined> {
  const text = await readFile(join(directory, name), 'utf8').catch(() => '');
  const entry = LeaseEntry.safeParse(parseJson(text));
  if (!entry.success) return undefined;
  if (await isAlive(entry.data.process)) return entry.data;
  await removeEntry(directory, entry.data.id);
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
