import { rmdirSync, unlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '@rstream/protocol';
import { entryIn, type Entry } from './entry.ts';
import { Failure, systemCode, toFailure } from './failure.ts';
import type { Folder } from './folder.ts';
import { holdContent } from './hold.ts';

/** An entry that could not be removed: its names below the folder that was asked for, and why. */
export interface NotRemoved {
  readonly names: readonly string[];
  readonly failure: Failure;
}

const BATCH = 128;

async function unlink(parent: Folder, child: string, entry: Entry | undefined): Promise<void> {
  const letGo = entry === undefined ? undefined : holdContent(parent, child, entry);
  try {
    unlinkSync(parent.at(child));
  } finally {
    await letGo?.();
  }
}

/**
 * Removes `name` and all below it, entering held folders only and never a link. Goes on after a failure and returns the first ones;
 * what still holds something stays.
 */
export async function removeTree(folder: Folder, name: string): Promise<NotRemoved[]> {
  const failed: NotRemoved[] = [];
  let done = 0;
  const report = (names: readonly string[], error: unknown): false => {
    if (failed.length < limits.webdav.failuresReported.default) failed.push({ names, failure: toFailure(error) });
    return false;
  };
  const empty = async (parent: Folder, child: string, names: readonly string[]): Promise<boolean> => {
    if (names.length > limits.webdav.treeDepth.default) throw new Failure(403, 'The folders are nested too deep.');
    const held = parent.enter(child);
    try {
      let all = true;
      for (const inner of await readdir(held.at('.'))) all = (await remove(held, inner, [...names, inner])) && all;
      return all;
    } finally {
      held.close();
    }
  };
  const remove = async (parent: Folder, child: string, names: readonly string[]): Promise<boolean> => {
    done += 1;
    if (done % BATCH === 0) await nextTurn();
    try {
      const entry = entryIn(parent, child);
      if (entry?.kind !== 'folder') await unlink(parent, child, entry);
      else if (await empty(parent, child, names)) rmdirSync(parent.at(child));
      else return false;
      return true;
    } catch (error) {
      return systemCode(error) === 'ENOENT' ? true : report(names, error);
    }
  };
  await remove(folder, name, []);
  return failed;
}
