import { randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '@rstream/protocol';
import { REMNANT_NAME } from './address.ts';
import { removeTree } from './tree-remove.ts';
import { entryIn } from './entry.ts';
import type { Folder } from './folder.ts';

/** Temporary names in use by this process. What bears such a name and is not among them was left behind by a process that died. */
const inUse = new Set<string>();

/** Ends the names of folders that hold an entry which is about to be replaced. */
export const ASIDE = '-old';

/** A fresh hidden name; give it back with `releaseName`. */
export function takeName(ending: typeof ASIDE | '' = ''): string {
  const name = `.rstream-part-${process.pid}-${randomBytes(8).toString('hex')}${ending}`;
  inUse.add(name);
  return name;
}

/** Forgets a hidden name, after what bore it was renamed or removed. */
export function releaseName(name: string): void {
  inUse.delete(name);
}

/** Removes a hidden file, if it is there, and forgets its name. */
export function discardFile(folder: Folder, name: string): void {
  try {
    rmSync(folder.at(name), { force: true });
  } catch {
    // What cannot be removed now is swept later.
  }
  releaseName(name);
}

function ownerLives(name: string): boolean {
  const pid = Number(/^\.rstream-part-(\d+)-/.exec(name)?.[1] ?? 0);
  if (pid === 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Moves the entry in a hidden folder back to its name, when nothing took its place, and removes the folder if it is empty then. */
export function restoreAside(folder: Folder, aside: string): void {
  const held = folder.enter(aside);
  try {
    for (const name of readdirSync(held.at('.'))) if (entryIn(folder, name) === undefined) renameSync(held.at(name), folder.at(name));
  } finally {
    held.close();
  }
  try {
    rmdirSync(folder.at(aside));
  } catch {
    // What is still in it was replaced.
  }
}

/**
 * Clears `name` away when it was left behind: its process is gone and nothing was written to it for a while. What was about to be
 * replaced and was not goes back to its place. `waiting`: it may have been left behind, but not for long enough to be sure.
 */
export async function sweep(folder: Folder, name: string, now = Date.now()): Promise<'removed' | 'waiting' | 'kept'> {
  if (!REMNANT_NAME.test(name) || inUse.has(name) || ownerLives(name)) return 'kept';
  const stats = lstatSync(folder.at(name), { throwIfNoEntry: false });
  if (stats === undefined) return 'kept';
  if (now - Math.max(stats.mtimeMs, stats.ctimeMs) < limits.webdav.remnantAge.default) return 'waiting';
  if (name.endsWith(ASIDE) && stats.isDirectory()) restoreAside(folder, name);
  await removeTree(folder, name);
  return 'removed';
}

/** Sweeps a whole tree, up to `remnantScan` entries, without holding the loop for long. Returns how many were removed and how many wait. */
export async function sweepTree(root: Folder, signal: AbortSignal, now = Date.now()): Promise<{ removed: number; waiting: number }> {
  let left = limits.webdav.remnantScan.default;
  const count = { removed: 0, waiting: 0, kept: 0 };
  const visit = async (folder: Folder, depth: number): Promise<void> => {
    for await (const { name } of await opendir(folder.at('.'))) {
      if (signal.aborted || left-- <= 0) return;
      if (left % 256 === 0) await nextTurn();
      if (REMNANT_NAME.test(name)) count[await sweep(folder, name, now)] += 1;
      else if (depth > 0 && entryIn(folder, name)?.kind === 'folder') await enterAnd(folder, name, (child) => visit(child, depth - 1));
    }
  };
  await visit(root, limits.webdav.treeDepth.default);
  return count;
}

async function enterAnd(folder: Folder, name: string, use: (child: Folder) => Promise<void>): Promise<void> {
  let child: Folder;
  try {
    child = folder.enter(name);
  } catch {
    return; // Unreadable or gone: nothing of ours to sweep there.
  }
  try {
    await use(child);
  } finally {
    child.close();
  }
}
