import { mkdirSync, renameSync } from 'node:fs';
import { entryIn } from './entry.ts';
import type { Folder } from './folder.ts';
import { holdContent } from './hold.ts';
import { ASIDE, releaseName, restoreAside, takeName } from './remnants.ts';
import { removeTree } from './tree-remove.ts';

interface Spot {
  readonly folder: Folder;
  readonly name: string;
}

/**
 * Puts `from` in the place of `to` in one turn of the event loop, so that no other request comes between the checks made just before and
 * the change. A file takes the place of a file by one rename; where folders are involved the old entry is moved aside first and moved
 * back when the second rename fails. Returns the clean-up of what was moved aside.
 */
export function replace(from: Spot, to: Spot): () => Promise<void> {
  const before = entryIn(to.folder, to.name);
  const moving = entryIn(from.folder, from.name);
  if (before === undefined || (before.kind !== 'folder' && moving?.kind !== 'folder')) {
    const letGo = before === undefined ? async () => {} : holdContent(to.folder, to.name, before);
    try {
      renameSync(from.folder.at(from.name), to.folder.at(to.name));
      to.folder.verify();
    } catch (error) {
      void letGo();
      throw error;
    }
    return letGo;
  }
  const aside = moveAside(to);
  try {
    renameSync(from.folder.at(from.name), to.folder.at(to.name));
  } catch (error) {
    restoreAside(to.folder, aside);
    releaseName(aside);
    throw error;
  }
  return async () => {
    await removeTree(to.folder, aside);
    releaseName(aside);
  };
}

/** Moves an entry into a hidden folder of its own, where it keeps its name: a process that dies here leaves what it takes to go back. */
function moveAside({ folder, name }: Spot): string {
  const aside = takeName(ASIDE);
  mkdirSync(folder.at(aside), 0o700);
  const held = folder.enter(aside);
  try {
    renameSync(folder.at(name), held.at(name));
  } finally {
    held.close();
  }
  return aside;
}
