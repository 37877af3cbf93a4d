import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { download } from './download.ts';
import { eachOf } from './each.ts';
import { atLocal, systemCode } from './local-error.ts';
import { isSafeName, pathOf } from './path.ts';
import { remoteFolders, walk, type WalkedEntry } from './tree.ts';
import type { TreeTransfer } from './upload-tree.ts';

/** Downloads what is in a folder of the device. Nothing is written through a link or under a name that is none here. */
export async function downloadTree(transfer: TreeTransfer): Promise<void> {
  const { client, local, segments, filter, concurrency, tally, signal } = transfer;
  await makeLocalFolder(local, { mayBeLink: true });
  tally.directories += 1;
  /** Folders that could not be made: what is in them is passed over. */
  const lost: string[] = [];
  const files = async function* (): AsyncGenerator<WalkedEntry> {
    for await (const entry of walk(remoteFolders(client, segments, signal), { filter })) {
      const path = entry.path.join('/');
      if (lost.some((folder) => path.startsWith(folder))) continue;
      try {
        if (!isSafeName(entry.name)) throw new RstreamError('ERR_RSTREAM_FILE_NAME', `${JSON.stringify(entry.name)} is no name here.`);
        if (entry.kind === 'directory') {
          await makeLocalFolder(join(local, ...entry.path));
          tally.directories += 1;
        }
      } catch (error) {
        tally.fail(path, error);
        if (entry.kind === 'directory') lost.push(`${path}/`);
        continue;
      }
      if (entry.kind === 'file') yield entry;
    }
  };
  await eachOf(files(), concurrency, ({ path }) => downloadOne(transfer, [...segments, ...path], join(local, ...path)));
}

/** Downloads one file as the transfer says. */
export async function downloadOne(
  { client, tally, existing, signal }: TreeTransfer,
  segments: readonly string[],
  path: string,
): Promise<void> {
  if (existing === 'skip' && (await lstat(path).catch(() => undefined)) !== undefined) {
    tally.skipped += 1;
    return;
  }
  await tally.file(pathOf(segments), () =>
    download(client, segments, path, { signal, replace: existing === 'replace', onProgress: tally.watch(path) }),
  );
}

/** Makes a folder of this machine unless it is there. A link is no folder, unless it was named by the person. */
export async function makeLocalFolder(path: string, { mayBeLink = false } = {}): Promise<void> {
  await atLocal(path, async () => {
    try {
      await mkdir(path);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      const stats = await lstat(path);
      if (!stats.isDirectory() && !(mayBeLink && stats.isSymbolicLink()))
        throw new RstreamError('ERR_RSTREAM_FILE_KIND', `${path} is no folder, and links are not followed.`);
    }
  });
}
