import { RstreamError } from '@rstream/protocol';
import { defineCommand } from '../../../command.ts';
import { remoteLocation } from '../../../files/location.ts';
import { pathOf } from '../../../files/path.ts';
import { persist } from '../../../files/persist.ts';
import { shownEntry } from '../../../files/shown-entry.ts';
import { remoteOptions, withFiles } from '../../../files/with-files.ts';
import { formatFields, outputOption, printResult } from '../../../output.ts';

export const command = defineCommand({
  summary: 'show what is known about a file or folder',
  arguments: [{ name: '<path>', about: 'path inside the root, or rstrm://NAME/PATH' }],
  options: { ...remoteOptions, output: outputOption('table') },
  examples: ['rstream webtty fs stat --url rstrm://pi /logs/today.txt -o json'],
  async run({ args: [path = ''], options: { fsPath, output, ...options }, globals, signal }) {
    const { url, segments } = remoteLocation(path, options.url);
    const entry = await withFiles({ url, fsPath, globals, signal }, (client) => persist(() => client.stat(segments, signal), { signal }));
    if (entry === undefined) throw new RstreamError('ERR_RSTREAM_FILE_NOT_FOUND', `There is no ${pathOf(segments)} on the device.`);
    const shown = shownEntry(entry);
    await printResult(output, shown, () => formatFields(shown));
  },
});
