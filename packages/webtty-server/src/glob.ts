/**
 * One glob per argument: `*` any characters, `?` one; a last `**` stands for any number of further arguments. A backslash takes
 * the meaning from a star, a question mark or a backslash behind it, so that the text of a shell command can be listed as it is.
 */
export type ArgvPattern = readonly string[];

export function matchesArgv(pattern: ArgvPattern, argv: readonly string[]): boolean {
  const open = pattern.at(-1) === '**';
  const fixed = open ? pattern.slice(0, -1) : pattern;
  if (open ? argv.length < fixed.length : argv.length !== fixed.length) return false;
  return fixed.every((glob, index) => matchesGlob(glob, argv[index] ?? ''));
}

/** True for a glob that means one text only, which is `text`. */
export function isLiteral(glob: string, text: string): boolean {
  return matchesGlob(glob, text) && stepsOf(glob).every((step) => step !== any && step !== one);
}

const any = Symbol('any characters');
const one = Symbol('one character');
type Step = typeof any | typeof one | string;

function stepsOf(glob: string): readonly Step[] {
  const steps: Step[] = [];
  for (const [word = ''] of glob.matchAll(/\\[*?\\]|[^]/g)) {
    if (word.length === 2) steps.push(word.slice(1));
    else steps.push(word === '*' ? any : word === '?' ? one : word);
  }
  return steps;
}

/** Matches in linear steps per `*` (no backtracking into earlier stars), so a hostile text cannot make it slow. */
export function matchesGlob(glob: string, text: string): boolean {
  const steps = stepsOf(glob);
  let at = 0;
  let position = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    const wanted = steps[position];
    if (wanted === any) {
      star = position++;
      resume = at;
    } else if (wanted === one || (wanted !== undefined && wanted === text[at])) {
      position += 1;
      at += 1;
    } else if (star >= 0) {
      position = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (steps[position] === any) position += 1;
  return position === steps.length;
}
