import { keySegments } from './address.ts';
import { entryIn, existing, type Entry } from './entry.ts';
import type { Shared } from './exchange.ts';
import type { Folder } from './folder.ts';

/** An entry as clients may see it. */
export interface Shown {
  readonly entry: Entry;
  /** Where it really is, below the root (see `Place.key`). */
  readonly key: string;
  /** True when a link inside the root leads to it. */
  readonly linked: boolean;
}

/** A child of a held folder as clients may see it: a link is what it leads to, when that is inside the root; anything but files and folders is not shown. */
export function shown(shared: Shared, folder: Folder, child: { readonly name: string; readonly key: string }): Shown | undefined {
  try {
    if (shared.root.hides(keySegments(child.key))) return undefined;
    const entry = entryIn(folder, child.name);
    if (entry?.kind === 'file' || entry?.kind === 'folder') return { entry, key: child.key, linked: false };
    if (entry?.kind !== 'link') return undefined;
    return shared.root.peek(keySegments(child.key), (place) => ({ entry: existing(place), key: place.key, linked: true }));
  } catch {
    return undefined;
  }
}
