import type { PathFilter } from './glob.ts';
import type { ListFolder, TreeEntry } from './tree.ts';

/** One thing to do so that the target becomes as the source. Paths are names below both folders. */
export type SyncStep =
  | { readonly do: 'mkdir'; readonly path: readonly string[] }
  | { readonly do: 'copy'; readonly path: readonly string[]; readonly source: TreeEntry; readonly replaced: TreeEntry | undefined }
  | { readonly do: 'delete'; readonly path: readonly string[]; readonly entry: TreeEntry }
  /** The same on both sides. */
  | { readonly do: 'keep'; readonly path: readonly string[] }
  /** A link or something else that is not copied. */
  | { readonly do: 'skip'; readonly path: readonly string[] }
  /** A file is where a folder should be, or the other way round. */
  | { readonly do: 'conflict'; readonly path: readonly string[] };

export interface SyncSides {
  readonly source: ListFolder;
  readonly target: ListFolder;
  readonly filter: PathFilter;
  /** True when the target has a folder at the root of the walk. */
  readonly hasTarget: boolean;
  isSame(path: readonly string[], source: TreeEntry, target: TreeEntry): Promise<boolean>;
}

/**
 * Compares two trees folder by folder. What the filter leaves out is on neither side: it is neither copied nor deleted. Only one folder of
 * each side is in memory at a time.
 */
export async function* planSync(sides: SyncSides): AsyncGenerator<SyncStep> {
  const waiting: { readonly path: readonly string[]; readonly hasTarget: boolean }[] = [{ path: [], hasTarget: sides.hasTarget }];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const source = await sides.source(folder.path);
    const target = new Map((folder.hasTarget ? await sides.target(folder.path) : []).map((entry) => [entry.name, entry]));
    const below: typeof waiting = [];
    for (const entry of source) {
      const path = [...folder.path, entry.name];
      if (!takes(sides.filter, path, entry)) continue;
      const there = target.get(entry.name);
      target.delete(entry.name);
      yield* compare(sides, path, entry, there);
      const isFolder = entry.kind === 'directory' && (there === undefined || there.kind === 'directory');
      if (isFolder) below.push({ path, hasTarget: there !== undefined });
    }
    for (const entry of target.values()) {
      const path = [...folder.path, entry.name];
      if (takes(sides.filter, path, entry)) yield { do: 'delete', path, entry };
    }
    waiting.push(...below.reverse());
  }
}

const takes = (filter: PathFilter, path: readonly string[], { kind }: TreeEntry): boolean =>
  kind === 'directory' ? filter.takesFolder(path.join('/')) : filter.takesFile(path.join('/'));

async function* compare(
  sides: SyncSides,
  path: readonly string[],
  source: TreeEntry,
  there: TreeEntry | undefined,
): AsyncGenerator<SyncStep> {
  if (source.kind === 'other') yield { do: 'skip', path };
  else if (source.kind === 'directory') {
    if (there === undefined) yield { do: 'mkdir', path };
    else if (there.kind !== 'directory') yield { do: 'conflict', path };
  } else if (there?.kind === 'directory') yield { do: 'conflict', path };
  else if (there?.kind === 'file' && (await sides.isSame(path, source, there))) yield { do: 'keep', path };
  else yield { do: 'copy', path, source, replaced: there };
}

/** Clocks of the two sides are compared in whole seconds, which is what WebDAV tells; disks of cameras know every other one. */
const TOLERANCE_MS = 2_000;

/** True when size and time say that two files are the same. */
export function looksSame(a: TreeEntry, b: TreeEntry): boolean {
  return a.size === b.size && a.modified !== undefined && b.modified !== undefined && Math.abs(a.modified - b.modified) < TOLERANCE_MS;
}
