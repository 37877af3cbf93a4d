/** One glob per argument: `*` any characters, `?` one; a last `**` stands for any number of further arguments. */
export type ArgvPattern = readonly string[];

export function matchesArgv(pattern: ArgvPattern, argv: readonly string[]): boolean {
  const open = pattern.at(-1) === '**';
  const fixed = open ? pattern.slice(0, -1) : pattern;
  if (open ? argv.length < fixed.length : argv.length !== fixed.length) return false;
  return fixed.every((glob, index) => matchesGlob(glob, argv[index] ?? ''));
}

/** Matches in linear steps per `*` (no backtracking into earlier stars), so a hostile text cannot make it slow. */
export function matchesGlob(glob: string, text: string): boolean {
  let at = 0;
  let position = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    const wanted = glob[position];
    if (wanted === '*') {
      star = position++;
      resume = at;
    } else if (wanted === '?' || (wanted !== undefined && wanted === text[at])) {
      position += 1;
      at += 1;
    } else if (star >= 0) {
      position = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (glob[position] === '*') position += 1;
  return position === glob.length;
}
