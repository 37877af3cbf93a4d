import { RE2JS } from 're2js';
import { tokenLimits } from '@rstream/protocol/limits';

const maxProgram = tokenLimits.patternProgram.default;
const maxWork = tokenLimits.patternWork.default;
const maxKept = tokenLimits.compiledPatterns.default;

interface Program {
  matcher: RE2JS;
  readonly size: number;
  /** Work done since the matcher was made. */
  spent: number;
}

const kept = new Map<string, Program | undefined>();

/** True when the pattern compiles and is not too large. */
export function isPattern(source: string): boolean {
  return programOf(source) !== undefined;
}

/**
 * True when the pattern, in RE2 syntax, matches the whole value. False for a pattern that does not compile, and for a value
 * too long for it: failing closed.
 *
 * Patterns come from whoever issues tokens and meet values that anyone on the network chooses. RE2 does not backtrack, but its
 * cost is program × value, and it remembers the states it met, megabytes for a hostile pair. So both are bounded: the work of
 * one match, and the work after which a matcher is made anew, without its memories.
 */
export function matchesPattern(source: string, value: string): boolean {
  const program = programOf(source);
  if (program === undefined) return false;
  const work = program.size * value.length;
  if (work > maxWork) return false;
  if (program.spent + work > maxWork) {
    program.matcher = RE2JS.compile(source);
    program.spent = 0;
  }
  program.spent += work;
  return program.matcher.testExact(value);
}

function programOf(source: string): Program | undefined {
  if (kept.has(source)) return kept.get(source);
  const program = compile(source);
  const [oldest] = kept.keys();
  if (kept.size >= maxKept && oldest !== undefined) kept.delete(oldest);
  kept.set(source, program);
  return program;
}

function compile(source: string): Program | undefined {
  if (source.length > tokenLimits.patternCharacters.default) return undefined;
  try {
    const matcher = RE2JS.compile(source);
    const size = matcher.programSize();
    return size > maxProgram ? undefined : { matcher, size, spent: 0 };
  } catch {
    return undefined;
  }
}
