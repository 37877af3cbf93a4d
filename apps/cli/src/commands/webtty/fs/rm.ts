import { RstreamError } from '@rstream/protocol';
import { defineCommand } from '../../../command.ts';
import { remoteLocation } from '../../../files/location.ts';
import { pathOf } from '../../../files/path.ts';
import { remoteOptions, withFiles } from '../../../files/with-files.ts';
import { flag } from '../../../option.ts';
import { outputOption, printResult } from '../../../output.ts';

export const command = defineCommand({
  summary: 'remove a file or a folder of a device',
  description: 'A folder is removed with all that is in it, and only with -r. The root itself is never removed.',
  arguments: [{ name: '<path>', about: 'path inside the root, or rstrm://NAME/PATH' }],
  options: {
    ...remoteOptions,
    recursive: flag('-r, --recursive', 'a folder and all that is in it'),
    force: flag('-f, --force', 'no error when there is nothing'),
    output: outputOption('none'),
  },
  examples: ['rstream webtty fs rm --url rstrm://pi /old.log', 'rstream webtty fs rm -r rstrm://pi/cache'],
  async run({ args: [path = ''], options: { fsPath, recursive, force, output, ...options }, globals, signal }) {
    const { url, segments } = remoteLocation(path, options.url);
    const removed = await withFiles({ url, fsPath, globals, signal }, async (client) => {
      const entry = await client.stat(segments, signal);
      if (entry === undefined && force) return false;
      if (entry === undefined) throw new RstreamError('ERR_RSTREAM_FILE_NOT_FOUND', `There is no ${pathOf(segments)} on the device.`);
      if (entry.kind === 'directory' && !recursive) throw new RstreamError('ERR_RSTREAM_FILE_KIND', `${pathOf(segments)} is a folder.`);
      await client.tell('DELETE', segments, { signal, folder: entry.kind === 'directory' });
      return true;
    });
    await printResult(output, { path: pathOf(segments), removed }, () => `${pathOf(segments)}  ${removed ? 'removed' : 'was not there'}`);
  },
});
