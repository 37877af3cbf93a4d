import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { RstreamError } from '@rstream/protocol';
import { defineCommand } from '../../../command.ts';
import type { FilesClient } from '../../../files/client.ts';
import { createFilter } from '../../../files/glob.ts';
import { syncEnds } from '../../../files/location.ts';
import { pathOf } from '../../../files/path.ts';
import { persist } from '../../../files/persist.ts';
import { createProgress } from '../../../files/progress.ts';
import { syncFolders } from '../../../files/sync.ts';
import type { SyncStep } from '../../../files/sync-plan.ts';
import { Tally } from '../../../files/transfer.ts';
import { summaryOf } from '../../../files/transfer-options.ts';
import { concurrencyOf, concurrencyOption, remoteOptions, withFiles } from '../../../files/with-files.ts';
import { flag, repeated, usage } from '../../../option.ts';
import { outputOption, printable, printResult } from '../../../output.ts';

/** Paths that are shown before it is asked whether they may go. */
const SHOWN = 10;

async function isFolderThere(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  if (stats !== undefined && !stats.isDirectory()) throw new RstreamError('ERR_RSTREAM_FILE_KIND', `${path} is no folder.`);
  return stats !== undefined;
}

async function isRemoteFolderThere(client: FilesClient, segments: readonly string[], signal: AbortSignal): Promise<boolean> {
  const entry = await persist(() => client.stat(segments, signal), { signal });
  if (entry?.kind === 'file') throw new RstreamError('ERR_RSTREAM_FILE_KIND', `${pathOf(segments)} is no folder.`);
  return entry !== undefined;
}

async function askToDelete(paths: readonly (readonly string[])[], signal: AbortSignal): Promise<boolean> {
  const more = paths.length > SHOWN ? `\n  and ${paths.length - SHOWN} more` : '';
  const shown = paths.slice(0, SHOWN).map((path) => `  ${printable(path.join('/'))}`);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${shown.join('\n')}${more}\nDelete ${paths.length} in the target? [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}

export const command = defineCommand({
  summary: 'make one folder as another, here or on a device',
  description:
    'One of the two is on a device: rstrm://NAME/PATH, or :PATH with --url. Files that differ in size or time are copied, and their times ' +
    'with them. What is too much in the target stays, unless --delete; then it is deleted last, and only when everything was copied. ' +
    'What --exclude names is neither copied nor deleted. Links are passed over.',
  arguments: [
    { name: '<from>', about: 'the folder as it should be' },
    { name: '<to>', about: 'the folder that becomes so' },
  ],
  options: {
    ...remoteOptions,
    delete: flag('--delete', 'delete in the target what is not in the source; asks, or needs --yes'),
    yes: flag('-y, --yes', 'delete without asking'),
    dryRun: flag('-n, --dry-run', 'only say what would be done'),
    checksum: flag('--checksum', 'compare content in place of times'),
    include: repeated('--include <glob>', 'only files that match; repeatable'),
    exclude: repeated('--exclude <glob>', 'no files and folders that match; repeatable'),
    concurrency: concurrencyOption,
    quiet: flag('-q, --quiet', 'no progress bar'),
    output: outputOption('table'),
  },
  examples: ['rstream webtty fs sync site rstrm://pi/www --delete', 'rstream webtty fs sync --url rstrm://pi :/logs logs --dry-run'],
  async run({ args: [from = '', to = ''], options, globals, signal }) {
    const { direction, local, remote } = syncEnds(from, to, options.url);
    const { fsPath, dryRun, output } = options;
    const asks = options.delete && !options.yes && !dryRun;
    if (asks && !(process.stdin.isTTY && process.stderr.isTTY))
      throw usage('--delete needs --yes where nobody can be asked.', 'See first what it would do: --dry-run');
    const base = resolve(local);
    const concurrency = concurrencyOf(options.concurrency);
    const tally = new Tally(createProgress({ isWanted: !options.quiet && !dryRun }));
    const actions: { do: string; path: string }[] = [];
    const counts = await withFiles({ url: remote.url, fsPath, globals, signal, connections: concurrency + 1 }, async (client) => {
      const [here, there] = [await isFolderThere(base), await isRemoteFolderThere(client, remote.segments, signal)];
      if (!(direction === 'up' ? here : there)) throw new RstreamError('ERR_RSTREAM_FILE_NOT_FOUND', `There is no folder ${from}.`);
      return syncFolders({
        client,
        local: base,
        segments: remote.segments,
        direction,
        hasTarget: direction === 'up' ? there : here,
        filter: createFilter(options),
        byChecksum: options.checksum,
        remove: options.delete,
        dryRun,
        concurrency,
        tally,
        signal,
        ...(dryRun ? { onStep: (step: SyncStep) => actions.push({ do: step.do, path: step.path.join('/') }) } : {}),
        mayDelete: async (paths) => !asks || askToDelete(paths, signal),
      });
    });
    const result = { ...tally.result(), ...counts, ...(dryRun ? { dry_run: true, actions } : {}) };
    await printResult(output, result, () =>
      [
        ...actions.map((step) => `${step.do.padEnd(6)}  ${printable(step.path)}`),
        `${dryRun ? 'would copy ' : ''}${summaryOf(result)}; ${counts.kept} unchanged; ${counts.deleted} deleted`,
      ].join('\n'),
    );
    tally.assertComplete();
  },
});
