import { rm, unlink } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import type { FilesClient } from './client.ts';
import { download } from './download.ts';
import { makeLocalFolder } from './download-tree.ts';
import { eachOf } from './each.ts';
import type { PathFilter } from './glob.ts';
import { atLocal } from './local-error.ts';
import { makeFolder } from './make-folder.ts';
import { isSafeName } from './path.ts';
import { persist } from './persist.ts';
import { PrefixHash } from './prefix-hash.ts';
import { looksSame, planSync, type SyncSides, type SyncStep } from './sync-plan.ts';
import type { Tally } from './transfer.ts';
import { localFolders, remoteFolders, type TreeEntry } from './tree.ts';
import { upload } from './upload.ts';
import { offeredHash } from './verify.ts';

export interface SyncOptions {
  readonly client: FilesClient;
  readonly local: string;
  readonly segments: readonly string[];
  readonly direction: 'up' | 'down';
  /** True when the target is there already. */
  readonly hasTarget: boolean;
  readonly filter: PathFilter;
  /** Compare content and not times. */
  readonly byChecksum: boolean;
  readonly remove: boolean;
  readonly dryRun: boolean;
  readonly concurrency: number;
  readonly tally: Tally;
  readonly signal?: AbortSignal | undefined;
  /** Says what is done, or would be. */
  onStep?(step: SyncStep): void;
  /** Asked once, after everything was copied and before anything is deleted. */
  mayDelete(paths: readonly (readonly string[])[]): Promise<boolean>;
}

export interface SyncCounts {
  readonly kept: number;
  readonly deleted: number;
}

/**
 * Makes one folder as the other. First everything is copied; what is too much in the target is deleted afterwards, only when nothing
 * failed, and only inside the target. Returns what the tally does not count.
 */
export async function syncFolders(options: SyncOptions): Promise<SyncCounts> {
  const { tally, dryRun, remove, concurrency } = options;
  const deletions: Extract<SyncStep, { do: 'delete' }>[] = [];
  let kept = 0;
  const toCopy = async function* (): AsyncGenerator<Extract<SyncStep, { do: 'copy' }>> {
    for await (const step of planSync(sidesOf(options))) {
      if (step.do === 'keep') kept += 1;
      else if (step.do === 'delete') deletions.push(step);
      else if (step.do === 'skip') tally.skipped += 1;
      else if (step.do === 'conflict')
        tally.fail(step.path.join('/'), new RstreamError('ERR_RSTREAM_FILE_KIND', 'It is a folder on one side and none on the other.'));
      else {
        options.onStep?.(step);
        if (step.do === 'mkdir') await makeTarget(options, step.path);
        else yield step;
      }
    }
  };
  if (!dryRun && !options.hasTarget) await makeTarget(options, []);
  await eachOf(toCopy(), concurrency, async (step) => {
    if (dryRun) {
      tally.files += 1;
      tally.bytes += step.source.size ?? 0;
    } else await copyOne(options, step);
  });
  if (!remove || deletions.length === 0 || tally.result().failed.length > 0) return { kept, deleted: 0 };
  for (const step of deletions) options.onStep?.(step);
  if (dryRun) return { kept, deleted: deletions.length };
  if (!(await options.mayDelete(deletions.map(({ path }) => path)))) return { kept, deleted: 0 };
  await eachOf(deletions, concurrency, (step) => removeOne(options, step));
  return { kept, deleted: deletions.length };
}

function sidesOf({ client, local, segments, direction, hasTarget, filter, byChecksum, signal }: SyncOptions): SyncSides {
  const here = localFolders(local);
  const there = remoteFolders(client, segments, signal);
  const isSameContent = async (path: readonly string[], a: TreeEntry, b: TreeEntry): Promise<boolean> => {
    if (a.size !== b.size) return false;
    const hash = await offeredHash(client, [...segments, ...path], signal);
    return hash !== undefined && hash.hash === (await localHash(join(local, ...path)));
  };
  return {
    source: direction === 'up' ? here : there,
    target: direction === 'up' ? there : here,
    filter,
    hasTarget,
    isSame: async (path, a, b) => (byChecksum ? isSameContent(path, a, b) : looksSame(a, b)),
  };
}

/** SHA-256 of a local file. */
export async function localHash(path: string): Promise<string> {
  return atLocal(path, async () => {
    const file = await open(path);
    try {
      const hash = new PrefixHash();
      await hash.catchUp(file, (await file.stat()).size);
      return hash.digest();
    } finally {
      await file.close();
    }
  });
}

async function makeTarget(
  { client, local, segments, direction, dryRun, tally, signal }: SyncOptions,
  path: readonly string[],
): Promise<void> {
  tally.directories += 1;
  if (dryRun) return;
  if (direction === 'up') await makeFolder(client, [...segments, ...path], signal);
  else if (path.every((name) => isSafeName(name))) await makeLocalFolder(join(local, ...path));
}

async function copyOne(
  { client, local, segments, direction, tally, signal }: SyncOptions,
  step: Extract<SyncStep, { do: 'copy' }>,
): Promise<void> {
  const { path, replaced } = step;
  const name = path.join('/');
  const onProgress = tally.watch(name);
  await tally.file(name, async () => {
    if (!path.every((part) => isSafeName(part)))
      throw new RstreamError('ERR_RSTREAM_FILE_NAME', `${JSON.stringify(name)} is no path here.`);
    const target = join(local, ...path);
    if (direction === 'down')
      return download(client, [...segments, ...path], target, { signal, replace: replaced !== undefined, onProgress });
    // Only the state that was compared is replaced.
    const replace = replaced === undefined ? false : (replaced.etag ?? true);
    return upload(client, target, [...segments, ...path], { signal, replace, followLink: false, onProgress });
  });
}

async function removeOne(
  { client, local, segments, direction, tally, signal }: SyncOptions,
  step: Extract<SyncStep, { do: 'delete' }>,
): Promise<void> {
  const { path, entry } = step;
  try {
    if (path.length === 0) throw new RangeError('The target itself is never deleted.');
    const target = join(local, ...path);
    if (direction === 'up') await persist(() => client.tell('DELETE', [...segments, ...path], { signal, accept: [404] }), { signal });
    else if (entry.kind === 'directory') await atLocal(target, () => rm(target, { recursive: true, force: true }));
    else await atLocal(target, () => unlink(target));
  } catch (error) {
    tally.fail(path.join('/'), error);
  }
}
