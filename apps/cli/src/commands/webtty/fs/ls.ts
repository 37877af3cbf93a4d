import { defineCommand } from '../../../command.ts';
import type { FileEntry } from '../../../files/client.ts';
import { remoteLocation } from '../../../files/location.ts';
import { persist } from '../../../files/persist.ts';
import { entryColumns, shownEntry } from '../../../files/shown-entry.ts';
import { remoteOptions, withFiles } from '../../../files/with-files.ts';
import { formatTable, outputOption, printResult } from '../../../output.ts';

export const command = defineCommand({
  summary: 'list a folder of a device',
  description: 'The folder itself comes first, then its entries in the order of their names. Of a file, the file alone.',
  arguments: [{ name: '[path]', about: 'path inside the root, or rstrm://NAME/PATH (/)' }],
  options: { ...remoteOptions, output: outputOption('table') },
  examples: ['rstream webtty fs ls --url rstrm://pi /logs', 'rstream webtty fs ls rstrm://pi/logs -o json'],
  async run({ args: [path = '/'], options: { fsPath, output, ...options }, globals, signal }) {
    const { url, segments } = remoteLocation(path, options.url);
    const entries = await withFiles({ url, fsPath, globals, signal }, (client) =>
      persist(
        async () => {
          const found: FileEntry[] = [];
          for await (const entry of client.list(segments, signal)) found.push(entry);
          return found;
        },
        { signal },
      ),
    );
    const shown = entries.map(shownEntry).sort((a, b) => (a.path < b.path ? -1 : 1));
    await printResult(output, shown, () => formatTable(shown, entryColumns));
  },
});
