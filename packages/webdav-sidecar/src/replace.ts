import { renameSync } from 'node:fs';
import { entryIn } from './entry.ts';
import type { Folder } from './folder.ts';
import { holdContent } from './hold.ts';
import { releaseName, takeName } from './remnants.ts';
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
  const aside = takeName();
  renameSync(to.folder.at(to.name), to.folder.at(aside));
  try {
    renameSync(from.folder.at(from.name), to.folder.at(to.name));
  } catch (error) {
    renameSync(to.folder.at(aside), to.folder.at(to.name));
    releaseName(aside);
    throw error;
  }
  return async () => {
    await removeTree(to.folder, aside);
    releaseName(aside);
  };
}
