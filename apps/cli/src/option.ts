import { RstreamError } from '@rstream/protocol';

/** One option of a command, as data. `Value` is what the handler receives. */
export interface OptionSpec<Value> {
  /** Commander flags; a second entry is the `--no-…` form. */
  readonly flags: readonly [string, string?];
  readonly about: string;
  readonly choices?: readonly string[];
  readonly hidden?: boolean;
  /** Value when the option is not given. */
  readonly fallback: Value;
  /** Turns the text of one occurrence into the value; `previous` is set for repeated options. */
  parse?(raw: string, previous: Value): Value;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec<unknown>>>;

/** What a handler receives for a table of options. */
export type OptionValues<Specs> = { readonly [Key in keyof Specs]: Specs[Key] extends { readonly fallback: infer Value } ? Value : never };

/** An option without a value: false unless given. */
export function flag(flags: string, about: string): OptionSpec<boolean> {
  return { flags: [flags], about, fallback: false };
}

/** A pair `--name` and `--no-name`: undefined when neither is given. */
export function toggle(name: string, about: string): OptionSpec<boolean | undefined> {
  return { flags: [`--${name}`, `--no-${name}`], about, fallback: undefined };
}

/** A pair with letters: `-t, --tty` and `-T, --no-tty`; undefined when neither is given. */
export function pair(yes: string, no: string, about: string): OptionSpec<boolean | undefined> {
  return { flags: [yes, no], about, fallback: undefined };
}

/** An option with a text value. */
export function text(flags: string, about: string): OptionSpec<string | undefined> {
  return { flags: [flags], about, fallback: undefined };
}

/** An option that takes one of a few words. */
export function choice<const Words extends readonly [string, ...string[]]>(
  flags: string,
  words: Words,
  { about, fallback }: { about: string; fallback: NoInfer<Words[number]> },
): OptionSpec<Words[number]> {
  return { flags: [flags], about, choices: words, fallback };
}

/** A choice without a default. */
export function optionalChoice<const Words extends readonly [string, ...string[]]>(
  flags: string,
  words: Words,
  about: string,
): OptionSpec<Words[number] | undefined> {
  return { flags: [flags], about, choices: words, fallback: undefined };
}

/** An option that may be given many times. */
export function repeated(flags: string, about: string): OptionSpec<readonly string[]> {
  return { flags: [flags], about, fallback: [], parse: (raw, previous) => [...previous, raw] };
}

/** An option whose value is a comma-separated list; several occurrences add up. */
export function commaList(flags: string, about: string): OptionSpec<readonly string[] | undefined> {
  return {
    flags: [flags],
    about,
    fallback: undefined,
    parse: (raw, previous) => [...(previous ?? []), ...raw.split(',').map((item) => item.trim())].filter((item) => item !== ''),
  };
}

/** A whole number within bounds. */
export function integer(flags: string, about: string, { min, max }: { min: number; max: number }): OptionSpec<number | undefined> {
  return {
    flags: [flags],
    about,
    fallback: undefined,
    parse(raw) {
      const value = Number(raw);
      if (!/^\d+$/.test(raw) || value < min || value > max) throw usage(`"${raw}" is not a whole number from ${min} to ${max}.`);
      return value;
    },
  };
}

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds in a text such as `500ms`, `30s`, `2m` or `1h`; a bare number is seconds. */
export function parseDuration(raw: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(raw);
  const value = Number(match?.[1]) * (durationUnits[match?.[2] ?? 's'] ?? Number.NaN);
  if (match === null || !Number.isFinite(value) || value <= 0) throw usage(`"${raw}" is not a duration such as 500ms, 30s, 2m or 1h.`);
  return Math.ceil(value);
}

/** A duration in milliseconds. */
export function duration(flags: string, about: string): OptionSpec<number | undefined> {
  return { flags: [flags], about, fallback: undefined, parse: parseDuration };
}

/** The error for a command line that makes no sense: exit code 2. */
export function usage(message: string, next?: string): RstreamError {
  return new RstreamError('ERR_RSTREAM_USAGE', message, next === undefined ? {} : { next });
}

/** `key=value` pairs as a record; a later pair wins. */
export function parsePairs(pairs: readonly string[], flagName: string): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw usage(`${flagName} "${pair}" is not of the form key=value.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
