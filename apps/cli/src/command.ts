import type { GlobalOptions } from './globals.ts';
import type { OptionSpec, OptionSpecs, OptionValues } from './option.ts';

export interface ArgumentSpec {
  /** Commander syntax: `<required>`, `[optional]`, `[rest...]`. */
  readonly name: string;
  readonly about: string;
}

/** One run of a command. */
export interface Invocation<Options> {
  /** Positional arguments in order; a rest argument is spread. */
  readonly args: readonly string[];
  readonly options: Options;
  readonly globals: GlobalOptions;
  /** Aborted by Ctrl-C or SIGTERM, unless the command says `signals: 'own'`. The reason is the signal's name. */
  readonly signal: AbortSignal;
}

/** A verb of the command line: data for the parser and for `--help`, and one handler. */
export interface CommandDefinition<Options = Readonly<Record<string, unknown>>> {
  readonly summary: string;
  /** Paragraphs for `--help`, after the summary. */
  readonly description?: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options: Readonly<Record<string, OptionSpec<unknown>>>;
  /** At least one line that a reader in a hurry can paste. */
  readonly examples: readonly [string, ...string[]];
  /** Everything after the first positional argument belongs to that argument, also what looks like an option. */
  readonly passThrough?: boolean;
  /** Options that are not declared here are arguments, in their order: they are for another program. */
  readonly unknownOptions?: boolean;
  /** `own`: the command installs its own signal handlers and its signal never aborts. */
  readonly signals?: 'abort' | 'own';
  /** Resolves to the exit code; nothing means 0. */
  run(invocation: Invocation<Options>): Promise<number | void>;
}

/** A verb that is loaded only when it runs. */
export interface CommandEntry {
  readonly summary: string;
  readonly aliases?: readonly string[];
  readonly hidden?: boolean;
  load(): Promise<CommandDefinition>;
}

/** A noun and its verbs, or nouns below it. */
export interface CommandGroup {
  readonly summary: string;
  readonly aliases?: readonly string[];
  readonly commands: Readonly<Record<string, CommandEntry | CommandGroup>>;
}

/** Declares a command; the types of its options follow from their specs. */
export function defineCommand<const Specs extends OptionSpecs>(
  definition: Omit<CommandDefinition<OptionValues<Specs>>, 'options'> & { readonly options: Specs },
): CommandDefinition {
  return definition;
}
