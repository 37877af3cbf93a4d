import { createContext, Script, type Context } from 'node:vm';
import { limits, RstreamError } from '@rstream/protocol';

/** What stands for text that a rule matched. */
export const redacted = '[redacted]';

/** A part of a text: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Compiles the rules of a device. Throws `ERR_RSTREAM_REDACTION_RULE` for too many, too long, wrong ones, and those that match nothing. */
export function compileRules(patterns: readonly string[]): readonly RegExp[] {
  const { redactionRules, redactionRule } = limits.webtty;
  if (patterns.length > redactionRules.default)
    throw invalid(`There are ${patterns.length} redaction rules; ${redactionRules.default} are the limit.`);
  return patterns.map((pattern, index) => {
    const which = `Redaction rule ${index + 1}`;
    if (pattern.length > redactionRule.default) throw invalid(`${which} is longer than ${redactionRule.default} characters.`);
    const rule = compile(pattern, which);
    if (rule.test('')) throw invalid(`${which} matches the empty text, and so everything.`);
    return rule;
  });
}

function compile(pattern: string, which: string): RegExp {
  try {
    return new RegExp(pattern, 'gu');
  } catch (cause) {
    throw invalid(`${which} is not a regular expression: ${cause instanceof Error ? cause.message : 'unknown reason'}.`, cause);
  }
}

const invalid = (message: string, cause?: unknown): RstreamError => new RstreamError('ERR_RSTREAM_REDACTION_RULE', message, { cause });

/** Where rules match in `text` from `from` on: in order, joined where they touch. Rules may look at what is before `from`. */
export function findSpans(rules: readonly RegExp[], text: string, from = 0): readonly Span[] {
  const found = withinTime(() => rules.flatMap((rule) => matches(rule, text, from)));
  const spans: Span[] = [];
  for (const span of found.sort((a, b) => a.start - b.start)) {
    const last = spans.at(-1);
    if (last === undefined || span.start > last.end) spans.push(span);
    else if (span.end > last.end) spans[spans.length - 1] = { start: last.start, end: span.end };
  }
  return spans;
}

function matches(rule: RegExp, text: string, from: number): Span[] {
  const spans: Span[] = [];
  rule.lastIndex = from;
  for (let match = rule.exec(text); match !== null; match = rule.exec(text)) {
    const end = match.index + match[0].length;
    if (end > match.index) spans.push({ start: match.index, end });
    else rule.lastIndex += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  return spans;
}

/** A text without what the rules match. For texts that are whole; streams have {@link StreamRedaction}. */
export function redact(rules: readonly RegExp[], text: string): string {
  if (rules.length === 0) return text;
  let result = '';
  let position = 0;
  for (const { start, end } of findSpans(rules, text)) {
    result += text.slice(position, start) + redacted;
    position = end;
  }
  return result + text.slice(position);
}

let guard: { readonly context: Context; readonly script: Script } | undefined;

/**
 * Runs the rules with a clock: a rule that backtracks without end would otherwise stop the whole process. Only a script of the
 * `vm` module can be interrupted from outside, so one calls back into our code.
 */
function withinTime<T>(work: () => T): T {
  guard ??= { context: createContext({}), script: new Script('work()') };
  const timeout = limits.webtty.redactionTime.default;
  guard.context['work'] = work;
  try {
    return guard.script.runInContext(guard.context, { timeout }) as T;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw cause;
    throw invalid(`The redaction rules took longer than ${timeout} ms for one batch.`, cause);
  } finally {
    guard.context['work'] = undefined;
  }
}
