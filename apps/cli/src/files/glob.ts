import { usage } from '../option.ts';

const LONGEST = 1_024;

/** Which paths take part, by `--include` and `--exclude`. */
export interface PathFilter {
  /** A file below the folder that is walked, names joined by `/`. */
  takesFile(path: string): boolean;
  /** A folder is entered unless it is excluded: what is included may be deeper. */
  takesFolder(path: string): boolean;
}

/**
 * A pattern without a slash is for names, wherever they are; one with a slash for paths below the folder. `*` and `?` stay within a
 * name, `**` does not.
 */
export function createFilter({ include, exclude }: { include: readonly string[]; exclude: readonly string[] }): PathFilter {
  const included = include.map(compile);
  const excluded = exclude.map(compile);
  const isExcluded = (path: string): boolean => excluded.some((matches) => matches(path));
  return {
    takesFile: (path) => (included.length === 0 || included.some((matches) => matches(path))) && !isExcluded(path),
    takesFolder: (path) => !isExcluded(path),
  };
}

/** Takes everything. */
export const everything: PathFilter = { takesFile: () => true, takesFolder: () => true };

function compile(pattern: string): (path: string) => boolean {
  if (pattern === '' || pattern.length > LONGEST) throw usage('A pattern is empty or too long.');
  const regex = new RegExp(`^${translate(pattern.replace(/^\//, '').replace(/\/$/, ''))}$`, 'su');
  if (pattern.replace(/\/$/, '').includes('/')) return (path) => regex.test(path);
  return (path) => regex.test(path.slice(path.lastIndexOf('/') + 1));
}

function translate(pattern: string): string {
  return pattern.replace(/\*\*\/|\*{2,}|\*|\?|[^*?]/gsu, (token) => {
    if (token === '**/') return '(?:.*/)?';
    if (token === '?') return '[^/]';
    if (token === '*') return '[^/]*';
    return token.startsWith('**') ? '.*' : token.replace(/[.+^${}()|[\]\\]/u, '\\$&');
  });
}
