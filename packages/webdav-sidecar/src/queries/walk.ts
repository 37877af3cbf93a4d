import { opendir } from 'node:fs/promises';
import { limits } from '@rstream/protocol';
import type { FileRowsEnd } from '@rstream/protocol/files';
import { REMNANT_NAME } from '../address.ts';
import type { Entry } from '../entry.ts';
import { Failure, systemCode } from '../failure.ts';
import type { Folder } from '../folder.ts';
import { shown } from '../shown.ts';
import { Turn } from '../turn.ts';
import type { Query } from './question.ts';

/** One entry below the folder that was asked about. `folder` is held only until the next one is asked for. */
export interface Walked {
  /** Names below that folder, joined by `/`; '' is the folder itself. */
  readonly path: string;
  readonly entry: Entry;
  readonly folder: Folder;
  readonly name: string;
  /** Where it is below the root. */
  readonly key: string;
  /** Reached through a link: its content is that of another place. */
  readonly linked: boolean;
}

export interface WalkOptions {
  /** Folders entered below the first; default and most `limits.webdav.scanDepth`. */
  readonly depth?: number | undefined;
  /** Milliseconds. Default: as long as it takes. */
  readonly time?: number | undefined;
}

type Reason = NonNullable<FileRowsEnd['reason']>;

/**
 * Walks a folder depth first, a folder before what is in it, holding each on the way. Links are shown as what they lead to and not
 * entered, so that a walk ends. What stops it early is kept in `reason`.
 */
export class TreeWalk {
  entries = 0;
  unreadable = 0;
  reason: Reason | undefined;
  readonly turn = new Turn();
  readonly #query: Query;
  readonly #depth: number;
  readonly #end: number;

  constructor(query: Query, { depth, time }: WalkOptions = {}) {
    this.#query = query;
    this.#depth = Math.min(depth ?? Infinity, limits.webdav.scanDepth.default);
    this.#end = performance.now() + (time ?? Infinity);
  }

  /** The folder or file that was asked about, and all below it. */
  async *all(): AsyncGenerator<Walked> {
    const { place, entry } = this.#query;
    this.entries += 1;
    yield { path: '', entry, folder: place.folder, name: place.name, key: place.key, linked: false };
    if (entry.kind !== 'folder') return;
    const folder = place.folder.enter(place.name);
    try {
      yield* this.#below(folder, { path: '', key: place.key, depth: 1 });
    } finally {
      folder.close();
    }
  }

  /** True when something ended the walk early. */
  stop(reason: Reason): void {
    this.reason ??= reason;
  }

  /** Lets others have their turn, and looks at the clock and the client. */
  async breathe(): Promise<void> {
    await this.turn.next();
    if (this.#query.exchange.signal.aborted) throw new Failure(400, 'The client is gone.');
    if (performance.now() > this.#end) this.stop('time');
  }

  async *#below(folder: Folder, at: { path: string; key: string; depth: number }): AsyncGenerator<Walked> {
    if (at.depth > this.#depth) {
      if (this.#depth === limits.webdav.scanDepth.default) this.stop('depth');
      return;
    }
    for await (const { name } of await opendir(folder.at('.'), { bufferSize: 256 })) {
      if (this.turn.isOver) await this.breathe();
      if (this.reason !== undefined && this.reason !== 'depth') return;
      if (REMNANT_NAME.test(name)) continue;
      const child = { name, key: at.key === '' ? name : `${at.key}/${name}` };
      const found = shown(this.#query.exchange.shared, folder, child);
      if (found === undefined) continue;
      if (this.entries >= limits.webdav.scanEntries.default) {
        this.stop('entries');
        return;
      }
      this.entries += 1;
      const path = at.path === '' ? name : `${at.path}/${name}`;
      yield { path, folder, name, ...found };
      if (found.entry.kind === 'folder' && !found.linked) yield* this.#enter(folder, name, { path, key: child.key, depth: at.depth + 1 });
    }
  }

  async *#enter(parent: Folder, name: string, at: { path: string; key: string; depth: number }): AsyncGenerator<Walked> {
    let folder: Folder;
    try {
      folder = parent.enter(name);
    } catch (error) {
      // Gone or swapped meanwhile is not a lack of rights.
      if (systemCode(error) === 'EACCES') this.unreadable += 1;
      return;
    }
    try {
      yield* this.#below(folder, at);
    } finally {
      folder.close();
    }
  }
}

/** What rows say of an entry. */
export function entryFields({ path, entry }: Pick<Walked, 'path' | 'entry'>): {
  path: string;
  kind: 'file' | 'folder';
  size?: number;
  modified: string;
  etag: string;
} {
  const { modified, etag } = entry;
  const common = { modified: modified.toISOString(), etag };
  return entry.kind === 'folder' ? { path, kind: 'folder', ...common } : { path, kind: 'file', size: entry.size, ...common };
}

/** The last row. */
export function endRow(walk: TreeWalk, bytes?: number): FileRowsEnd {
  const { entries, unreadable, reason } = walk;
  return {
    type: 'end',
    entries,
    ...(bytes === undefined ? {} : { bytes }),
    complete: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
    unreadable,
  };
}
