import { closeSync, constants, existsSync, fstatSync, fsync, lstatSync, openSync, realpathSync, statSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from './failure.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
const FOLDER_FLAGS = O_RDONLY | (O_DIRECTORY ?? 0) | (O_NOFOLLOW ?? 0);
const flush = promisify(fsync);

/**
 * One folder that is held open. Every operation names a child of a held folder by a single name, so that nothing that is
 * swapped on the way to it can lead elsewhere.
 */
export interface Folder {
  /** A path for one operation on the child `name` (`.` is the folder itself). The operation must not follow a link at its end. */
  at(name: string): string;
  /** Opens a child folder, never through a link. Throws the system's error. */
  enter(name: string): Folder;
  /** After an operation: throws when the folder is no longer the one that was opened. Does nothing where that cannot happen. */
  verify(): void;
  /** Puts the names in this folder on the disk. */
  sync(): Promise<void>;
  close(): void;
}

/** Addresses children through the descriptor of the folder (Linux): the kernel starts at the folder itself, whatever its path is now. */
class HeldFolder implements Folder {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }
  at(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }
  enter(name: string): Folder {
    return new HeldFolder(openSync(this.at(name), FOLDER_FLAGS));
  }
  verify(): void {
    // The descriptor is the folder.
  }
  sync(): Promise<void> {
    return flush(this.#fd);
  }
  close(): void {
    closeSync(this.#fd);
  }
}

const same = (a: BigIntStats, b: BigIntStats): boolean => a.dev === b.dev && a.ino === b.ino;

/** Addresses children by path and checks before and after each use that the path still is the folder: a swap is seen, not impossible. */
class CheckedFolder implements Folder {
  readonly #path: string;
  readonly #identity: BigIntStats;

  constructor(path: string) {
    this.#path = path;
    this.#identity = lstatSync(path, { bigint: true });
    if (!this.#identity.isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
  }
  at(name: string): string {
    this.verify();
    return name === '.' ? this.#path : join(this.#path, name);
  }
  enter(name: string): Folder {
    const child = new CheckedFolder(this.at(name));
    this.verify();
    return child;
  }
  verify(): void {
    if (realpathSync.native(this.#path) !== this.#path || !same(lstatSync(this.#path, { bigint: true }), this.#identity))
      throw new Failure(409, 'A folder on the way was replaced meanwhile.');
  }
  async sync(): Promise<void> {
    if (process.platform === 'win32') return; // Windows has no such operation on folders.
    const fd = openSync(this.at('.'), FOLDER_FLAGS);
    try {
      await flush(fd);
    } finally {
      closeSync(fd);
    }
  }
  close(): void {
    // Nothing is held.
  }
}

/** How folders are held: `descriptors` cannot be raced; `checked` sees a race and refuses, but only after it. */
export type Containment = 'descriptors' | 'checked';

/** Opens the root folder. `path` is absolute and real. Throws the system's error. */
export function openRootFolder(path: string): { folder: Folder; containment: Containment } {
  if (process.platform !== 'linux' || !existsSync('/proc/self/fd')) return { folder: new CheckedFolder(path), containment: 'checked' };
  const fd = openSync(path, FOLDER_FLAGS);
  const through = statSync(`/proc/self/fd/${fd}/.`, { bigint: true });
  if (same(through, fstatSync(fd, { bigint: true }))) return { folder: new HeldFolder(fd), containment: 'descriptors' };
  closeSync(fd);
  return { folder: new CheckedFolder(path), containment: 'checked' };
}

/** The checked kind by itself, for tests on any platform. */
export function openCheckedFolder(path: string): Folder {
  return new CheckedFolder(path);
}
