import { watch, type FSWatcher } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { REMNANT_NAME } from '../address.ts';
import type { Folder } from '../folder.ts';

/** Paths that changed, each once. */
export interface Changes {
  readonly paths: readonly string[];
  /** Some were lost: there were too many. */
  readonly overflow: boolean;
}

/** Watches folders that are held by descriptor, so that the system watches the folder and not its path. */
export class FolderWatch {
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly inode: string }>();
  readonly #mostFolders: number;
  readonly #mostPaths: number;
  #changed = new Set<string>();
  #overflow = false;
  #wake: (() => void) | undefined;
  /** False once a folder could not be watched. */
  complete = true;

  constructor(mostFolders: number, mostPaths: number) {
    this.#mostFolders = mostFolders;
    this.#mostPaths = mostPaths;
  }

  get folders(): number {
    return this.#watchers.size;
  }
  /** True when the folder of that inode is watched at `path`. */
  has(path: string, inode: string): boolean {
    return this.#watchers.get(path)?.inode === inode;
  }

  /** Watches the folder `name` of a held folder in place of what was watched at `path`; events are told as paths below `path`. */
  add(path: string, { folder: parent, name, inode }: { readonly folder: Folder; readonly name: string; readonly inode: string }): void {
    if (this.has(path, inode)) return;
    this.forget(path);
    if (this.#watchers.size >= this.#mostFolders) {
      this.complete = false;
      return;
    }
    let held: Folder | undefined;
    try {
      held = parent.enter(name);
      const watcher = watch(held.at('.'), { persistent: false }, (kind, child) => this.#note(path, kind, child));
      watcher.on('error', () => this.forget(path));
      this.#watchers.set(path, { watcher, inode });
    } catch {
      this.complete = false;
    } finally {
      held?.close();
    }
  }

  /** Ends the watch of a folder and those below it. */
  forget(path: string): void {
    for (const [watched, { watcher }] of this.#watchers) {
      if (watched !== path && !watched.startsWith(`${path}/`)) continue;
      watcher.close();
      this.#watchers.delete(watched);
    }
  }

  /** Changes, when there are any: gathered for `gatherMs` after the first, or none after `waitMs`. Returns early when aborted. */
  async next(waitMs: number, gatherMs: number, signal: AbortSignal): Promise<Changes> {
    if (this.#changed.size === 0 && !this.#overflow) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const timer = new AbortController();
      const end = AbortSignal.any([signal, timer.signal]);
      await Promise.race([woken, delay(waitMs, undefined, { signal: end }).catch(() => undefined)]);
      timer.abort();
      this.#wake = undefined;
    }
    if (this.#changed.size > 0) await delay(gatherMs, undefined, { signal }).catch(() => undefined);
    const changes = { paths: [...this.#changed], overflow: this.#overflow };
    this.#changed = new Set();
    this.#overflow = false;
    return changes;
  }

  close(): void {
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #note(folder: string, kind: 'rename' | 'change', child: string | null): void {
    // The folder itself: when it was removed or moved, another one may get its name and even its number.
    if (child === '.' && kind === 'rename') {
      this.forget(folder);
      this.#wake?.();
    }
    if (child === null || child === '.' || REMNANT_NAME.test(child)) return;
    if (this.#changed.size < this.#mostPaths) this.#changed.add(folder === '' ? child : `${folder}/${child}`);
    else this.#overflow = true;
    this.#wake?.();
  }
}
