import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import type { FileEntry, FilesClient } from './client.ts';
import { everything, type PathFilter } from './glob.ts';
import { atLocal } from './local-error.ts';
import { isPartial } from './path.ts';
import { persist } from './persist.ts';

/** A file or folder in a folder, on either side. */
export interface TreeEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'other';
  readonly size?: number;
  /** Milliseconds since 1970. */
  readonly modified?: number;
  readonly etag?: string;
}

/** Entries of one folder in the order of their names. */
export type ListFolder = (path: readonly string[]) => Promise<TreeEntry[]>;

/** An entry of a tree with its names below the folder that was walked. */
export interface WalkedEntry extends TreeEntry {
  readonly path: readonly string[];
}

const byName = (a: TreeEntry, b: TreeEntry): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

const tooMany = (): RstreamError =>
  new RstreamError('ERR_RSTREAM_USAGE', `There are more than ${limits.files.listedEntries.default} entries.`);

/** Folders of a device below `base`. */
export function remoteFolders(client: FilesClient, base: readonly string[], signal?: AbortSignal): ListFolder {
  const list = async (path: readonly string[]): Promise<TreeEntry[]> => {
    const segments = [...base, ...path];
    const entries: TreeEntry[] = [];
    for await (const entry of client.list(segments, signal)) {
      if (entry.segments.length === segments.length) continue;
      if (entries.length >= limits.files.listedEntries.default) throw tooMany();
      entries.push(treeEntryOf(entry));
    }
    return entries.sort(byName);
  };
  return (path) => persist(() => list(path), { signal });
}

/** The entry by its last name. */
export function treeEntryOf({ segments, ...rest }: FileEntry): TreeEntry {
  return { name: segments.at(-1) ?? '', ...rest };
}

/** Folders of this machine below `base`. Links are neither files nor folders here: they are never followed. */
export function localFolders(base: string): ListFolder {
  return async (path) => {
    const folder = join(base, ...path);
    return atLocal(folder, async () => {
      const entries: TreeEntry[] = [];
      for await (const { name } of await opendir(folder)) {
        if (isPartial(name)) continue;
        const entry = await localEntry(folder, name);
        if (entry !== undefined) entries.push(entry);
        if (entries.length > limits.files.listedEntries.default) throw tooMany();
      }
      return entries.sort(byName);
    });
  };
}

async function localEntry(folder: string, name: string): Promise<TreeEntry | undefined> {
  const stats = await lstat(join(folder, name)).catch(() => undefined);
  if (stats === undefined) return undefined;
  if (stats.isFile()) return { name, kind: 'file', size: stats.size, modified: stats.mtimeMs };
  return { name, kind: stats.isDirectory() ? 'directory' : 'other', modified: stats.mtimeMs };
}

/**
 * Everything below a folder; a folder comes before what is in it. One folder at a time is kept in memory.
 * @param depth 1: only the folder's own entries
 */
export async function* walk(
  list: ListFolder,
  { filter = everything, depth = limits.files.treeDepth.default }: { filter?: PathFilter; depth?: number } = {},
): AsyncGenerator<WalkedEntry> {
  const waiting: (readonly string[])[] = [[]];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const below: (readonly string[])[] = [];
    for (const entry of await list(folder)) {
      const path = [...folder, entry.name];
      const isFolder = entry.kind === 'directory';
      if (!(isFolder ? filter.takesFolder(path.join('/')) : filter.takesFile(path.join('/')))) continue;
      if (isFolder && path.length < depth) below.push(path);
      yield { ...entry, path };
    }
    waiting.push(...below.reverse());
  }
}
