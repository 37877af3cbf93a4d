import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { RstreamError } from '@rstream/protocol';
import { makeOwnedDirectory } from './owned-file.ts';

/** The files of one hosted process. */
export interface DataDirectory {
  readonly path: string;
  readonly database: string;
  readonly ownerToken: string;
  readonly ready: string;
}

/** Absolute paths below a data directory; creates the directory (0700). */
export function openDataDirectory(path: string): DataDirectory {
  const root = resolve(path);
  makeOwnedDirectory(root);
  return {
    path: root,
    database: join(root, 'hosted.sqlite'),
    ownerToken: join(root, 'owner.token'),
    ready: join(root, 'ready.json'),
  };
}

/**
 * Claims a data directory for this process and returns the release. Refuses with `ERR_RSTREAM_HOSTED_DATA_IN_USE` while
 * another one holds it. The claim is a lock of the operating system (taken through SQLite, the one portable way without a
 * native package): it dies with its process, so there is no stale lock to clean up after a crash.
 */
export function claimDataDirectory(directory: DataDirectory): () => void {
  const lock = new DatabaseSync(join(directory.path, 'hosted.lock'), { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (cause) {
    lock.close();
    const pid = holderOf(directory);
    const holder = pid === undefined ? 'Another process' : `Process ${pid}`;
    throw new RstreamError('ERR_RSTREAM_HOSTED_DATA_IN_USE', `${holder} already runs on ${directory.path}.`, { cause });
  }
  return () => lock.close();
}

function holderOf(directory: DataDirectory): number | undefined {
  try {
    const ready: unknown = JSON.parse(readFileSync(directory.ready, 'utf8'));
    const pid = typeof ready === 'object' && ready !== null && 'pid' in ready ? ready.pid : undefined;
    return typeof pid === 'number' ? pid : undefined;
  } catch {
    // The holder has not finished starting, so it has not said its pid.
    return undefined;
  }
}
