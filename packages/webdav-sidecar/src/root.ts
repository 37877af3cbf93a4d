import { readlinkSync, realpathSync } from 'node:fs';
import { isAbsolute, sep } from 'node:path';
import { limits } from '@rstream/protocol';
import { Failure, systemCode } from './failure.ts';
import { openCheckedFolder, openRootFolder, type Containment, type Folder } from './folder.ts';

/** Where an entry is or will be: a held folder and one name in it. Close it after use. */
export interface Place {
  readonly folder: Folder;
  /** One name, or `.` for the folder itself. */
  readonly name: string;
  /** The resolved path below the root, without links, joined by `/`; '' is the root. Locks and properties hang on it. */
  readonly key: string;
  close(): void;
}

export interface LocateOptions {
  /** Follow a link at the very end, as readers and writers of content do. Default true. */
  readonly follow?: boolean;
  /** Status when a folder on the way is missing. Default 404; 409 for what would be created. */
  readonly missing?: 404 | 409;
}

/** True for names below the root that are as if they were not there, whoever asks and on whichever way. */
export type Hides = (segments: readonly string[]) => boolean;

const outside = (): Failure => new Failure(403, 'The path leaves the root.');

/** Text of the link `name`, or undefined when it is no link. */
function linkTarget(folder: Folder, name: string): string | undefined {
  try {
    return readlinkSync(folder.at(name));
  } catch (error) {
    if (['EINVAL', 'ENOENT', 'ENOTDIR', 'UNKNOWN'].includes(systemCode(error))) return undefined;
    throw error;
  }
}

/** A walk from the root: the folders entered so far, each held open. */
class Walk {
  readonly #folders: Folder[];
  #names: string[] = [];

  constructor(root: Folder) {
    this.#folders = [root];
  }
  get here(): Folder {
    const folder = this.#folders.at(-1);
    if (folder === undefined) throw outside();
    return folder;
  }
  key(name?: string): string {
    return (name === undefined ? this.#names : [...this.#names, name]).join('/');
  }
  names(name: string): string[] {
    return [...this.#names, name];
  }
  enter(name: string): void {
    this.#folders.push(this.here.enter(name));
    this.#names.push(name);
  }
  up(): void {
    if (this.#names.pop() === undefined) throw outside();
    this.#folders.pop()?.close();
  }
  toRoot(): void {
    while (this.#names.length > 0) this.up();
  }
  /** Hands the present folder over to a place and closes the others. */
  end(name: string | undefined): Place {
    const key = this.key(name);
    const folder = this.here;
    const isRoot = this.#folders.length === 1;
    for (const other of this.#folders.slice(1, -1)) other.close();
    let open = !isRoot;
    return {
      folder,
      name: name ?? '.',
      key,
      close: () => {
        if (open) folder.close();
        open = false;
      },
    };
  }
}

/** The one folder that is served. Every access starts here. */
export class Root {
  readonly containment: Containment;
  readonly #folder: Folder;
  /** Names that absolute links inside the root begin with: the real path of the root and the one that was given. */
  readonly #prefixes: readonly string[];
  readonly hides: Hides;

  /** Opens `path`, an absolute path of a folder. `containment: 'checked'` asks for the weaker kind. Throws the system's error. */
  constructor(path: string, containment?: Containment, hides: Hides = () => false) {
    this.hides = hides;
    const real = realpathSync.native(path);
    const opened = containment === 'checked' ? { folder: openCheckedFolder(real), containment: 'checked' as const } : openRootFolder(real);
    this.#folder = opened.folder;
    this.containment = opened.containment;
    this.#prefixes = [real, path];
  }

  /**
   * Walks to `segments` (decoded names, none of them `..`) one held folder at a time. A link is followed by continuing the walk at
   * its target; a target outside the root is refused with 403. Throws 404 (or 409) when a folder on the way is missing.
   */
  locate(segments: readonly string[], options: LocateOptions = {}): Place {
    const walk = new Walk(this.#folder);
    try {
      return this.#walk(walk, segments, options.follow ?? true);
    } catch (error) {
      walk.toRoot();
      const code = systemCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') throw new Failure(options.missing ?? 404, 'There is no such folder.', { cause: error });
      throw error;
    }
  }

  /** Locates, runs `use`, and closes the place when that is done. */
  async with<T>(segments: readonly string[], options: LocateOptions, use: (place: Place) => T | Promise<T>): Promise<T> {
    const place = this.locate(segments, options);
    try {
      return await use(place);
    } finally {
      place.close();
    }
  }

  /** The same for what is done at once. */
  peek<T>(segments: readonly string[], use: (place: Place) => T): T {
    const place = this.locate(segments);
    try {
      return use(place);
    } finally {
      place.close();
    }
  }

  close(): void {
    this.#folder.close();
  }

  #walk(walk: Walk, segments: readonly string[], follow: boolean): Place {
    const pending = [...segments].reverse();
    let hops = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        walk.up();
        continue;
      }
      if (this.hides(walk.names(name))) throw new Failure(404, 'There is no such file or folder.');
      const last = pending.length === 0;
      if (last && !follow) return walk.end(name);
      const refused = last ? undefined : tryEnter(walk, name);
      if (!last && refused === undefined) continue;
      const target = linkTarget(walk.here, name);
      if (target === undefined) {
        if (last) return walk.end(name);
        throw refused ?? outside();
      }
      hops += 1;
      if (hops > limits.webdav.linkHops.default) throw new Failure(403, 'Too many symbolic links on the way.');
      if (isAbsolute(target)) walk.toRoot();
      pending.push(...this.#inside(target).reverse());
    }
    return walk.end(undefined);
  }

  /** The names of a link's target, below the root when it is absolute. */
  #inside(target: string): string[] {
    if (!isAbsolute(target)) return target.split(sep);
    for (const prefix of this.#prefixes) {
      if (target === prefix) return [];
      const folder = prefix.endsWith(sep) ? prefix : `${prefix}${sep}`;
      if (target.startsWith(folder)) return target.slice(folder.length).split(sep);
    }
    throw outside();
  }
}

/** Enters a folder; the error when `name` is none, which may mean that it is a link. */
function tryEnter(walk: Walk, name: string): Error | undefined {
  try {
    walk.enter(name);
    return undefined;
  } catch (error) {
    if (error instanceof Error && ['ENOTDIR', 'ELOOP', 'EMLINK'].includes(systemCode(error))) return error;
    throw error;
  }
}
