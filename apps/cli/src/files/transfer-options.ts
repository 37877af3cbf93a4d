import { flag, repeated, usage, type OptionValues } from '../option.ts';
import { formatBytes } from './progress.ts';
import type { TransferResult } from './transfer.ts';
import { concurrencyOption, remoteOptions } from './with-files.ts';

/** What uploads and downloads have in common. */
export const transferOptions = {
  ...remoteOptions,
  recursive: flag('-r, --recursive', 'a folder and all that is in it'),
  force: flag('--force', 'replace files that are there'),
  /** False when `--no-clobber` is given: without it an option of that form is true. */
  clobber: flag('--no-clobber', 'pass over files that are there'),
  include: repeated('--include <glob>', 'only files that match; repeatable'),
  exclude: repeated('--exclude <glob>', 'no files and folders that match; repeatable'),
  concurrency: concurrencyOption,
  quiet: flag('-q, --quiet', 'no progress bar'),
};

/** What happens to files that are there. */
export function existingOf({
  force,
  clobber,
}: Pick<OptionValues<typeof transferOptions>, 'force' | 'clobber'>): 'fail' | 'skip' | 'replace' {
  if (force && !clobber) throw usage('--force and --no-clobber exclude each other.');
  return force ? 'replace' : clobber ? 'fail' : 'skip';
}

/** A line for people about what was done. */
export function summaryOf({ files, bytes, resumed_bytes, skipped, seconds, failed }: TransferResult): string {
  const rate = seconds > 0 ? `, ${formatBytes((bytes - resumed_bytes) / seconds)}/s` : '';
  const rest = [
    resumed_bytes > 0 ? `${formatBytes(resumed_bytes)} of it earlier` : '',
    skipped > 0 ? `${skipped} passed over` : '',
    failed.length > 0 ? `${failed.length} failed` : '',
  ].filter((part) => part !== '');
  return [`${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)} in ${seconds.toFixed(1)} s${rate}`, ...rest].join('; ');
}
