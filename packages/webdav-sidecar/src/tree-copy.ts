import { closeSync, constants, copyFile, fsync, futimesSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { limits } from '@rstream/protocol';
import { REMNANT_NAME } from './address.ts';
import { entryIn, openFile } from './entry.ts';
import { Failure } from './failure.ts';
import type { Folder } from './folder.ts';

const copy = promisify(copyFile);
const flush = promisify(fsync);

export interface CopyOptions {
  /** With the entries of a folder (`Depth: infinity`) or the folder alone. */
  readonly deep: boolean;
  /** Wait until the copy is on the disk. */
  readonly sync: boolean;
  /** Keep the modification times, as a move to another disk does. */
  readonly keepTimes?: boolean;
  readonly signal: AbortSignal;
}

interface Spot {
  readonly folder: Folder;
  readonly name: string;
}

/** Copies one regular file to a name that must not exist yet, sharing blocks where the disk can. */
export async function copyRegular(from: Spot, to: Spot, options: Pick<CopyOptions, 'sync' | 'keepTimes'>): Promise<void> {
  const source = openFile(from.folder, from.name);
  try {
    // On Linux the descriptor itself is copied, so that a swap of the name changes nothing.
    const path = process.platform === 'linux' ? `/proc/self/fd/${source.fd}` : from.folder.at(from.name);
    await copy(path, to.folder.at(to.name), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    to.folder.verify();
    const { fd } = openFile(to.folder, to.name);
    try {
      if (options.keepTimes === true) futimesSync(fd, source.entry.modified, source.entry.modified);
      if (options.sync) await flush(fd);
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(source.fd);
  }
}

/**
 * Copies a file, a folder or a link (as a link: it is checked whenever it is used) to a name that must not exist yet. Devices, pipes
 * and sockets inside a folder are left out; 403 when one is asked for itself.
 */
export async function copyTree(from: Spot, to: Spot, options: CopyOptions): Promise<void> {
  await copyLevel(from, to, { ...options, level: 0 });
}

async function copyLevel(from: Spot, to: Spot, options: CopyOptions & { level: number }): Promise<void> {
  if (options.signal.aborted) throw new Failure(400, 'The client is gone.');
  if (options.level > limits.webdav.treeDepth.default) throw new Failure(403, 'The folders are nested too deep.');
  const entry = entryIn(from.folder, from.name);
  if (entry === undefined) throw new Failure(404, 'The source went away meanwhile.');
  if (entry.kind === 'file') return copyRegular(from, to, options);
  if (entry.kind === 'link') return symlinkSync(readlinkSync(from.folder.at(from.name)), to.folder.at(to.name));
  if (entry.kind === 'other') {
    if (options.level === 0) throw new Failure(403, 'This is neither a file nor a folder.');
    return;
  }
  mkdirSync(to.folder.at(to.name));
  if (options.deep) await copyChildren(from, to, options);
}

async function copyChildren(from: Spot, to: Spot, options: CopyOptions & { level: number }): Promise<void> {
  const source = from.folder.enter(from.name);
  try {
    const target = to.folder.enter(to.name);
    try {
      for await (const { name } of await opendir(source.at('.'))) {
        if (REMNANT_NAME.test(name)) continue;
        await copyLevel({ folder: source, name }, { folder: target, name }, { ...options, level: options.level + 1 });
      }
      if (options.sync) await target.sync();
    } finally {
      target.close();
    }
  } finally {
    source.close();
  }
}
