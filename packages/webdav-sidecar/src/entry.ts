import { closeSync, constants, fstatSync, lstatSync, openSync, type BigIntStats } from 'node:fs';
import { Failure, systemCode } from './failure.ts';
import type { Folder } from './folder.ts';
import type { Place } from './root.ts';

/** What is known about a file or folder at one moment. */
export interface Entry {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** Bytes. */
  readonly size: number;
  readonly modified: Date;
  readonly created: Date;
  /** Permission bits. */
  readonly mode: number;
  /** Tells one file of a disk from another, for as long as it is there. */
  readonly inode: string;
  /** Strong: the inode, the size and both clocks of the file in nanoseconds, so that an edit with a restored mtime differs too. */
  readonly etag: string;
}

const MILLION = 1_000_000n;

function kindOf(stats: BigIntStats): Entry['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

function toEntry(stats: BigIntStats): Entry {
  const created = stats.birthtimeNs > 0n && stats.birthtimeNs < stats.mtimeNs ? stats.birthtimeNs : stats.mtimeNs;
  return {
    kind: kindOf(stats),
    size: Number(stats.size),
    modified: new Date(Number(stats.mtimeNs / MILLION)),
    created: new Date(Number(created / MILLION)),
    inode: `${stats.dev}:${stats.ino}`,
    mode: Number(stats.mode & 0o777n),
    etag: `"${[stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].map((value) => value.toString(36)).join('-')}"`,
  };
}

/** The entry `name` of a held folder, not following a link; undefined when there is none. */
export function entryIn(folder: Folder, name: string): Entry | undefined {
  try {
    const stats = lstatSync(folder.at(name), { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? undefined : toEntry(stats);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return undefined;
    throw error;
  }
}

/** The entry at a place. */
export const entryAt = (place: Place): Entry | undefined => entryIn(place.folder, place.name);

/** The same entry as its open descriptor shows it. */
export const entryOf = (fd: number): Entry => toEntry(fstatSync(fd, { bigint: true }));

/** A file or a folder; 404 when there is nothing, 403 when it is a device, a pipe, a socket or a link that leads out. */
export function existing(place: Place): Entry {
  const entry = entryAt(place);
  if (entry === undefined) throw new Failure(404, 'There is no such file or folder.');
  return served(entry);
}

/** Refuses what is neither a file nor a folder. */
export function served(entry: Entry): Entry {
  if (entry.kind === 'link' || entry.kind === 'other') throw new Failure(403, 'This is neither a file nor a folder.');
  return entry;
}

/** Opens a regular file by descriptor. Never waits for the other end of a pipe, never follows a link, never opens a device for use. */
export function openFile(folder: Folder, name: string, access: 'read' | 'write' = 'read'): { fd: number; entry: Entry } {
  const flags = access === 'read' ? constants.O_RDONLY : constants.O_WRONLY;
  const fd = openSync(folder.at(name), flags | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    folder.verify();
    const entry = entryOf(fd);
    if (entry.kind === 'folder') throw new Failure(405, 'This is a folder.');
    return { fd, entry: served(entry) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
