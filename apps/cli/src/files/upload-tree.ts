import { join } from 'node:path';
import type { FilesClient } from './client.ts';
import { eachOf } from './each.ts';
import type { PathFilter } from './glob.ts';
import { makeFolder } from './make-folder.ts';
import { pathOf } from './path.ts';
import type { Tally } from './transfer.ts';
import { localFolders, walk, type WalkedEntry } from './tree.ts';
import { upload } from './upload.ts';
import type { UploadOptions } from './upload-options.ts';

export interface TreeTransfer {
  readonly client: FilesClient;
  /** The folder of this machine. */
  readonly local: string;
  /** The folder of the device. */
  readonly segments: readonly string[];
  readonly filter: PathFilter;
  readonly concurrency: number;
  readonly tally: Tally;
  /** What happens to files that are there: an error, nothing, or they are replaced. */
  readonly existing: 'fail' | 'skip' | 'replace';
  readonly signal?: AbortSignal | undefined;
}

/** Uploads what is in a folder. A folder is made before what is in it; links are passed over. */
export async function uploadTree(transfer: TreeTransfer): Promise<void> {
  const { client, local, segments, filter, concurrency, tally, signal } = transfer;
  await makeFolder(client, segments, signal);
  tally.directories += 1;
  const files = async function* (): AsyncGenerator<WalkedEntry> {
    for await (const entry of walk(localFolders(local), { filter })) {
      if (entry.kind === 'file') yield entry;
      else if (entry.kind === 'other') tally.skipped += 1;
      else {
        await makeFolder(client, [...segments, ...entry.path], signal);
        tally.directories += 1;
      }
    }
  };
  await eachOf(files(), concurrency, ({ path }) => uploadOne(transfer, join(local, ...path), [...segments, ...path]));
}

/** Uploads one file as the transfer says. */
export async function uploadOne(
  { client, tally, existing, signal }: TreeTransfer,
  path: string,
  segments: readonly string[],
  followLink = false,
): Promise<void> {
  const options: UploadOptions = { signal, replace: existing === 'replace', followLink, onProgress: tally.watch(path) };
  await tally.file(pathOf(segments), async () => {
    if (existing === 'skip' && (await client.stat(segments, signal)) !== undefined) {
      tally.skipped += 1;
      tally.files -= 1;
      return { bytes: 0, resumed: 0 };
    }
    return upload(client, path, segments, options);
  });
}
