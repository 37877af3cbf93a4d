import { defineCommand } from '../../../command.ts';
import { remoteLocation } from '../../../files/location.ts';
import { makeFolder, makeFolders } from '../../../files/make-folder.ts';
import { pathOf } from '../../../files/path.ts';
import { remoteOptions, withFiles } from '../../../files/with-files.ts';
import { flag } from '../../../option.ts';
import { outputOption, printResult } from '../../../output.ts';

export const command = defineCommand({
  summary: 'make a folder on a device',
  description: 'A folder that is there is fine.',
  arguments: [{ name: '<path>', about: 'path inside the root, or rstrm://NAME/PATH' }],
  options: { ...remoteOptions, parents: flag('-p, --parents', 'with the folders above it'), output: outputOption('none') },
  examples: ['rstream webtty fs mkdir -p --url rstrm://pi /a/b/c'],
  async run({ args: [path = ''], options: { fsPath, parents, output, ...options }, globals, signal }) {
    const { url, segments } = remoteLocation(path, options.url);
    const created = await withFiles({ url, fsPath, globals, signal }, (client) =>
      (parents ? makeFolders : makeFolder)(client, segments, signal),
    );
    await printResult(output, { path: pathOf(segments), created }, () => `${pathOf(segments)}  ${created ? 'made' : 'was there'}`);
  },
});
