import type { FileEntry } from './client.ts';
import { pathOf } from './path.ts';

/** An entry as commands print it: stable, and complete as far as the device says. */
export interface ShownEntry {
  readonly path: string;
  readonly kind: 'file' | 'directory';
  readonly size?: number;
  /** RFC 3339, UTC. */
  readonly modified?: string;
  readonly etag?: string;
}

export function shownEntry({ segments, kind, size, modified, etag }: FileEntry): ShownEntry {
  return {
    path: pathOf(segments),
    kind,
    ...(size === undefined ? {} : { size }),
    ...(modified === undefined ? {} : { modified: new Date(modified).toISOString() }),
    ...(etag === undefined ? {} : { etag }),
  };
}

/** The columns of a listing. */
export const entryColumns = {
  PATH: (entry: ShownEntry) => entry.path,
  KIND: (entry: ShownEntry) => entry.kind,
  SIZE: (entry: ShownEntry) => entry.size?.toString(),
  MODIFIED: (entry: ShownEntry) => entry.modified,
};
