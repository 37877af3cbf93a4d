import { createFilter } from '../glob.ts';
import { isPartial } from '../path.ts';

/** Which names a share leaves out, case-insensitively; what is in a folder that is left out is left out with it. */
export function hiddenNames({
  only,
  includeHidden,
  exclude,
}: {
  only: string | undefined;
  includeHidden: boolean;
  exclude: readonly string[];
}): (segments: readonly string[]) => boolean {
  const filter = createFilter({ include: [], exclude: exclude.map((pattern) => pattern.toLowerCase()) });
  return (segments) => {
    const last = segments.at(-1) ?? '';
    if (only !== undefined && (segments.length !== 1 || last !== only)) return true;
    if (isPartial(last) || (!includeHidden && segments.some((name) => name.startsWith('.')))) return true;
    // The folders on the way count too: a name may be asked for without coming through them.
    return segments.some(
      (_, depth) =>
        !filter.takesFile(
          segments
            .slice(0, depth + 1)
            .join('/')
            .toLowerCase(),
        ),
    );
  };
}
