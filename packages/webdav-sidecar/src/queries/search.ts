import { closeSync } from 'node:fs';
import { limits } from '@rstream/protocol';
import type { FileMatch } from '@rstream/protocol/files';
import { openFile } from '../entry.ts';
import { Failure, systemCode } from '../failure.ts';
import { globTest } from './glob.ts';
import { linesWith, type LineMatch } from './lines.ts';
import { Rows } from './outlet.ts';
import { flagIn, numberIn, textIn, wordIn } from './parameters.ts';
import type { Query } from './question.ts';
import { endRow, entryFields, TreeWalk, type Walked } from './walk.ts';

/** `?rstream=search`: entries by name, lines by content, or lines of files by name. */
export async function search(query: Query): Promise<void> {
  const { exchange } = query;
  const task = new Search(query);
  await exchange.shared.slots.with('scans', () => task.run());
}

class Search {
  readonly #query: Query;
  readonly #walk: TreeWalk;
  readonly #nameFits: (name: string) => boolean;
  readonly #content: string | undefined;
  readonly #ignoreCase: boolean;
  readonly #kind: 'file' | 'folder' | undefined;
  #left: number;
  #bytes = 0;

  constructor(query: Query) {
    const { parameters } = query;
    const { searchText, searchMatches, scanTime } = limits.webdav;
    const name = textIn(parameters, 'name', searchText.default);
    this.#query = query;
    this.#content = textIn(parameters, 'content', searchText.default);
    if (name === undefined && this.#content === undefined) throw new Failure(400, 'A search has a name or a content.');
    if (this.#content !== undefined && /[\r\n]/.test(this.#content)) throw new Failure(400, 'Content is searched for within one line.');
    this.#ignoreCase = flagIn(parameters, 'ignore_case');
    this.#nameFits = name === undefined ? () => true : globTest(name, this.#ignoreCase);
    this.#kind = this.#content === undefined ? wordIn(parameters, 'kind', ['file', 'folder']) : 'file';
    this.#left = numberIn(parameters, 'limit', searchMatches.default) ?? searchMatches.default;
    this.#walk = new TreeWalk(query, { depth: numberIn(parameters, 'depth'), time: scanTime.default });
  }

  async run(): Promise<void> {
    const walk = this.#walk;
    const rows = new Rows(this.#query.exchange);
    for await (const walked of walk.all()) {
      if (this.#fits(walked)) {
        for await (const match of this.#matchesIn(walked)) {
          if (this.#left === 0) {
            walk.stop('matches');
            break;
          }
          this.#left -= 1;
          if (rows.add(match)) await rows.flush();
        }
      }
      if (rows.isDue) await rows.flush();
      if (walk.reason !== undefined && walk.reason !== 'depth') break;
    }
    await rows.end(endRow(walk, this.#content === undefined ? undefined : this.#bytes));
  }

  #fits({ path, name, entry }: Walked): boolean {
    if (path === '' && entry.kind === 'folder') return false;
    return (this.#kind === undefined || entry.kind === this.#kind) && this.#nameFits(name);
  }

  async *#matchesIn(walked: Walked): AsyncGenerator<FileMatch> {
    if (this.#content === undefined) {
      yield { type: 'match', ...entryFields(walked) };
      return;
    }
    for await (const { line, text } of this.#lines(walked, this.#content)) yield { type: 'match', ...entryFields(walked), line, text };
  }

  async *#lines({ folder, name, key, linked }: Walked, content: string): AsyncGenerator<LineMatch> {
    let fd: number;
    try {
      // Through a link the content is that of another place, which is walked to again.
      fd = linked
        ? this.#query.exchange.shared.root.peek(key.split('/'), (place) => openFile(place.folder, place.name).fd)
        : openFile(folder, name).fd;
    } catch (error) {
      if (systemCode(error) === 'EACCES') this.#walk.unreadable += 1;
      return;
    }
    try {
      const seen = async (bytes: number): Promise<boolean> => {
        this.#bytes += bytes;
        if (this.#bytes > limits.webdav.searchBytes.default) this.#walk.stop('bytes');
        if (this.#walk.turn.isOver) await this.#walk.breathe();
        return this.#walk.reason === undefined || this.#walk.reason === 'depth';
      };
      yield* linesWith(fd, { content, ignoreCase: this.#ignoreCase, seen });
    } finally {
      closeSync(fd);
    }
  }
}
