import { limits } from '@rstream/protocol/limits';
import { defineCommand } from '../../../command.ts';
import { createFilter } from '../../../files/glob.ts';
import { remoteLocation } from '../../../files/location.ts';
import { shownEntry, type ShownEntry } from '../../../files/shown-entry.ts';
import { remoteFolders, walk, type WalkedEntry } from '../../../files/tree.ts';
import { remoteOptions, withFiles } from '../../../files/with-files.ts';
import { choice, integer, repeated } from '../../../option.ts';
import { printable } from '../../../output.ts';
import { pumpOutput } from '../../../standard-streams.ts';

/** Lines are gathered up to this many characters. */
const WRITE_CHARACTERS = 32_768;

/** The output for a tree of any size: JSON stays one array, and none of it waits for the end. */
async function* textOf(entries: AsyncIterable<WalkedEntry>, base: readonly string[], isJson: boolean): AsyncGenerator<Buffer> {
  let text = isJson ? '[' : '';
  let separator = '\n  ';
  for await (const { path, kind, size, modified, etag } of entries) {
    if (kind === 'other') continue;
    const facts = {
      ...(size === undefined ? {} : { size }),
      ...(modified === undefined ? {} : { modified }),
      ...(etag === undefined ? {} : { etag }),
    };
    const entry: ShownEntry = shownEntry({ segments: [...base, ...path], kind, ...facts });
    text += isJson
      ? `${separator}${JSON.stringify(entry)}`
      : `${'  '.repeat(path.length - 1)}${printable(path.at(-1) ?? '')}${kind === 'directory' ? '/' : ''}\n`;
    separator = ',\n  ';
    if (text.length < WRITE_CHARACTERS) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(isJson ? `${text}${separator === ',\n  ' ? '\n' : ''}]\n` : text);
}

export const command = defineCommand({
  summary: 'show all that is in a folder of a device',
  description: 'Folders before what is in them, names in order. With -o json one array of the entries that ls prints.',
  arguments: [{ name: '[path]', about: 'path inside the root, or rstrm://NAME/PATH (/)' }],
  options: {
    ...remoteOptions,
    depth: integer('--depth <levels>', '1: only the entries of the folder itself', { min: 1, max: limits.files.treeDepth.default }),
    include: repeated('--include <glob>', 'only files that match; repeatable'),
    exclude: repeated('--exclude <glob>', 'no files and folders that match; repeatable'),
    output: choice('-o, --output <mode>', ['text', 'json'], { about: 'how to print it', fallback: 'text' }),
  },
  examples: ['rstream webtty fs tree --url rstrm://pi /src --depth 2', 'rstream webtty fs tree rstrm://pi/ --exclude node_modules -o json'],
  async run({ args: [path = '/'], options: { fsPath, depth, output, ...options }, globals, signal }) {
    const { url, segments } = remoteLocation(path, options.url);
    await withFiles({ url, fsPath, globals, signal }, async (client) => {
      const filter = createFilter(options);
      const entries = walk(remoteFolders(client, segments, signal), { filter, ...(depth === undefined ? {} : { depth }) });
      await pumpOutput(textOf(entries, segments, output === 'json'), process.stdout);
    });
  },
});
