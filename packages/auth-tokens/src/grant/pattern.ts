import { RE2JS } from 're2js';
import { tokenLimits } from '@rstream/protocol/limits';

const maxProgram = tokenLimits.patternProgram.default;
const maxValue = tokenLimits.patternValue.default;
const maxKept = tokenLimits.compiledPatterns.default;

/** True when the pattern matches the whole value. */
export type Pattern = (value: string) => boolean;

const kept = new Map<string, Pattern | undefined>();

/**
 * A regular expression in RE2 syntax, anchored at both ends; undefined when it does not compile or is too large.
 * Patterns come from whoever issues tokens and meet values that anyone on the network chooses, so matching must take linear
 * time: RE2 does not backtrack, and program and value are bounded. Compiled patterns are shared, oldest out first.
 */
export function compilePattern(source: string): Pattern | undefined {
  if (kept.has(source)) return kept.get(source);
  const pattern = compile(source);
  const [oldest] = kept.keys();
  if (kept.size >= maxKept && oldest !== undefined) kept.delete(oldest);
  kept.set(source, pattern);
  return pattern;
}

function compile(source: string): Pattern | undefined {
  if (source.length > tokenLimits.patternCharacters.default) return undefined;
  try {
    const program = RE2JS.compile(source);
    if (program.programSize() > maxProgram) return undefined;
    return (value) => value.length <= maxValue && program.testExact(value);
  } catch {
    return undefined;
  }
}
