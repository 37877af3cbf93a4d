import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { defineCommand } from '../../../command.ts';
import { createFilter } from '../../../files/glob.ts';
import { atLocal } from '../../../files/local-error.ts';
import { remoteLocation } from '../../../files/location.ts';
import { createProgress } from '../../../files/progress.ts';
import { Tally } from '../../../files/transfer.ts';
import { existingOf, summaryOf, transferOptions } from '../../../files/transfer-options.ts';
import { uploadOne, uploadTree, type TreeTransfer } from '../../../files/upload-tree.ts';
import { concurrencyOf, withFiles } from '../../../files/with-files.ts';
import { outputOption, printResult } from '../../../output.ts';

export const command = defineCommand({
  summary: 'upload a file or a folder',
  description:
    'On the device the old file is seen or the new one, never a part. A lost connection is taken up where it broke; a command that was ' +
    'ended goes on when it is run again. Into a folder that is there when REMOTE ends with a slash. Links inside a folder are passed over.',
  arguments: [
    { name: '<local>', about: 'file or folder of this machine' },
    { name: '[remote]', about: 'path inside the root, or rstrm://NAME/PATH (/)' },
  ],
  options: { ...transferOptions, output: outputOption('table') },
  examples: ['rstream webtty fs upload build.tar --url rstrm://pi /releases/', 'rstream webtty fs upload -r site rstrm://pi/www --force'],
  async run({ args: [local = '', remote = '/'], options, globals, signal }) {
    const { url, segments: given } = remoteLocation(remote, options.url);
    const { fsPath, concurrency: asked, output } = options;
    const path = resolve(local);
    const concurrency = concurrencyOf(asked);
    const isFolder = (await atLocal(local, () => stat(path))).isDirectory();
    if (isFolder && !options.recursive) throw new RstreamError('ERR_RSTREAM_FILE_KIND', `${local} is a folder.`);
    const isInto = remote.endsWith('/') || given.length === 0;
    // The content of a folder goes into the root; a folder that is named goes there with its name.
    const segments = isInto && !(isFolder && given.length === 0) ? [...given, basename(path)] : given;
    const tally = new Tally(createProgress({ isWanted: !options.quiet }));
    await withFiles({ url, fsPath, globals, signal, connections: concurrency + 1 }, async (client) => {
      const transfer: TreeTransfer = {
        client,
        local: path,
        segments,
        filter: createFilter(options),
        concurrency,
        tally,
        existing: existingOf(options),
        signal,
      };
      if (isFolder) await uploadTree(transfer);
      else await uploadOne(transfer, path, segments, true);
    });
    await printResult(output, tally.result(), () => summaryOf(tally.result()));
    tally.assertComplete();
  },
});
