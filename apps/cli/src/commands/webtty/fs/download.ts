import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { defineCommand } from '../../../command.ts';
import type { FilesClient } from '../../../files/client.ts';
import { downloadOne, downloadTree } from '../../../files/download-tree.ts';
import { createFilter } from '../../../files/glob.ts';
import { remoteLocation } from '../../../files/location.ts';
import { pathOf, safeName } from '../../../files/path.ts';
import { persist } from '../../../files/persist.ts';
import { createProgress } from '../../../files/progress.ts';
import { readFile } from '../../../files/read.ts';
import { Tally } from '../../../files/transfer.ts';
import { existingOf, summaryOf, transferOptions } from '../../../files/transfer-options.ts';
import { concurrencyOf, withFiles } from '../../../files/with-files.ts';
import { outputOption, printResult } from '../../../output.ts';
import { pumpOutput } from '../../../standard-streams.ts';

/** Where a download goes: into a folder that is there, else to that name. */
async function targetOf(local: string, segments: readonly string[]): Promise<string> {
  const path = resolve(local);
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  const name = segments.at(-1);
  return (isFolder || local.endsWith('/')) && name !== undefined ? join(path, safeName(name)) : path;
}

async function kindOf(client: FilesClient, segments: readonly string[], signal: AbortSignal): Promise<'file' | 'directory'> {
  const entry = await persist(() => client.stat(segments, signal), { signal });
  if (entry === undefined) throw new RstreamError('ERR_RSTREAM_FILE_NOT_FOUND', `There is no ${pathOf(segments)} on the device.`);
  return entry.kind;
}

export const command = defineCommand({
  summary: 'download a file or a folder',
  description:
    'Nothing is at its name before all of it has arrived and was checked. A lost connection is taken up where it broke; a command that ' +
    'was ended goes on when it is run again. Into LOCAL when that is a folder; - is stdout. Links here are never written through.',
  arguments: [
    { name: '<remote>', about: 'path inside the root, or rstrm://NAME/PATH' },
    { name: '[local]', about: 'file or folder of this machine, or - for stdout (.)' },
  ],
  options: { ...transferOptions, output: outputOption('table') },
  examples: [
    'rstream webtty fs download --url rstrm://pi /backup.tar .',
    'rstream webtty fs download -r rstrm://pi/logs logs --exclude "*.gz"',
  ],
  async run({ args: [remote = '', local = '.'], options, globals, signal }) {
    const { url, segments } = remoteLocation(remote, options.url);
    const { fsPath, concurrency: asked, output } = options;
    const concurrency = concurrencyOf(asked);
    const existing = existingOf(options);
    const filter = createFilter(options);
    const call = { url, fsPath, globals, signal, connections: concurrency + 1 };
    if (local === '-') return withFiles(call, (client) => pumpOutput(readFile(client, segments, { signal }), process.stdout));
    const tally = new Tally(createProgress({ isWanted: !options.quiet }));
    await withFiles(call, async (client) => {
      const kind = await kindOf(client, segments, signal);
      if (kind === 'directory' && !options.recursive) throw new RstreamError('ERR_RSTREAM_FILE_KIND', `${pathOf(segments)} is a folder.`);
      const target = await targetOf(local, segments);
      const transfer = { client, local: target, segments, filter, concurrency, tally, existing, signal };
      await (kind === 'directory' ? downloadTree(transfer) : downloadOne(transfer, segments, target));
    });
    await printResult(output, tally.result(), () => summaryOf(tally.result()));
    tally.assertComplete();
  },
});
