import { limits } from '@rstream/protocol';
import type { FileEvent } from '@rstream/protocol/files';
import { keySegments } from '../address.ts';
import { entryAt } from '../entry.ts';
import { Failure } from '../failure.ts';
import { shown } from '../shown.ts';
import { Rows } from './outlet.ts';
import { numberIn } from './parameters.ts';
import type { Query } from './question.ts';
import { entryFields, TreeWalk } from './walk.ts';
import { FolderWatch } from './folder-watch.ts';

/** `?rstream=events`: what changes in a folder, and with `depth` in those below it, for as long as the client listens. */
export async function events(query: Query): Promise<void> {
  const { exchange, entry, parameters } = query;
  if (entry.kind !== 'folder') throw new Failure(405, 'Changes are told of a folder.');
  const depth = numberIn(parameters, 'depth') ?? 1;
  await exchange.shared.slots.with('followers', async () => {
    const feed = new Feed(query, depth);
    try {
      await feed.run();
    } finally {
      feed.close();
    }
  });
}

class Feed {
  readonly #query: Query;
  readonly #depth: number;
  readonly #rows: Rows;
  readonly #watch: FolderWatch;

  constructor(query: Query, depth: number) {
    this.#query = query;
    this.#depth = depth;
    this.#watch = new FolderWatch(limits.webdav.watchedFolders.default, limits.webdav.eventQueue.default);
    this.#rows = new Rows(query.exchange);
  }

  close(): void {
    this.#watch.close();
  }

  async run(): Promise<void> {
    const { exchange } = this.#query;
    await this.#watchBelow('', false);
    await this.#send({ type: 'ready', folders: this.#watch.folders, complete: this.#watch.complete });
    const end = performance.now() + limits.webdav.followTime.default;
    for (;;) {
      const changes = await this.#watch.next(limits.webdav.eventAlive.default, limits.webdav.eventDelay.default, exchange.signal);
      if (exchange.signal.aborted) return;
      if (this.#isGone()) return this.#rows.end({ type: 'end', reason: 'gone' });
      if (performance.now() > end) return this.#rows.end({ type: 'end', reason: 'time' });
      if (changes.overflow) await this.#send({ type: 'overflow' });
      for (const path of changes.paths) await this.#tell(path);
      if (changes.paths.length === 0 && !changes.overflow) await this.#send({ type: 'alive' });
      await this.#rows.flush();
    }
  }

  /** The folder that was asked about is no longer where it was. */
  #isGone(): boolean {
    const { exchange, entry } = this.#query;
    try {
      return exchange.shared.root.peek(exchange.address.segments, (place) => entryAt(place)?.inode !== entry.inode);
    } catch {
      return true;
    }
  }

  /** Says what is at a path now; a new folder is watched, and what is in it already is told of, too. */
  async #tell(path: string): Promise<void> {
    const segments = path.split('/');
    const found = this.#lookUp(segments);
    if (found?.entry.kind !== 'folder') this.#watch.forget(path);
    const row: FileEvent =
      found === undefined ? { type: 'change', path, kind: null } : { type: 'change', ...entryFields({ path, entry: found.entry }) };
    if (this.#rows.add(row)) await this.#rows.flush();
    if (found?.entry.kind === 'folder' && !found.linked && !this.#watch.has(path, found.entry.inode) && segments.length < this.#depth)
      await this.#watchBelow(path, true);
  }

  #lookUp(segments: readonly string[]): ReturnType<typeof shown> {
    const { shared, address } = this.#query.exchange;
    const name = segments.at(-1) ?? '';
    try {
      const place = shared.root.locate([...address.segments, ...segments], { follow: false });
      try {
        return shown(shared, place.folder, { name, key: place.key });
      } finally {
        place.close();
      }
    } catch {
      return undefined;
    }
  }

  /** Watches a folder and those below it, before it looks at what is in them: what comes between is told twice and not missed. */
  async #watchBelow(path: string, tell: boolean): Promise<void> {
    const { shared, address } = this.#query.exchange;
    const segments = [...address.segments, ...keySegments(path)];
    try {
      await shared.root.with(segments, {}, async (place) => {
        const entry = entryAt(place);
        if (entry?.kind !== 'folder') return;
        const depth = this.#depth - keySegments(path).length - 1;
        const walk = new TreeWalk({ ...this.#query, place, entry }, { depth: tell ? depth + 1 : depth });
        for await (const walked of walk.all()) {
          const at = [path, walked.path].filter((part) => part !== '').join('/');
          if (walked.entry.kind === 'folder' && !walked.linked && keySegments(at).length < this.#depth)
            this.#watch.add(at, { ...walked, inode: walked.entry.inode });
          if (tell && walked.path !== '' && this.#rows.add({ type: 'change', ...entryFields({ ...walked, path: at }) }))
            await this.#rows.flush();
        }
      });
    } catch (error) {
      // Gone again already; anything else is the end of the client.
      if (!(error instanceof Failure) || this.#query.exchange.signal.aborted) throw error;
    }
  }

  async #send(event: FileEvent): Promise<void> {
    this.#rows.add(event);
    await this.#rows.flush();
  }
}
