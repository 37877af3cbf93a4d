import { Command, CommanderError, Option } from 'commander';
import { productVersion } from '@rstream/protocol';
import { type CommandDefinition, type CommandEntry, type CommandGroup } from './command.ts';
import { usage, type OptionSpec } from './option.ts';
import { isGroup, registry } from './commands/registry.ts';
import { globalOptions, type GlobalOptions } from './globals.ts';

/** What the command line asks for, once parsed. */
export interface ParsedCommand {
  readonly definition: CommandDefinition;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly globals: GlobalOptions;
}

const rootExamples = [
  'rstream context create home --engine f587ee53.rstream.localhost:8080 --token-file owner.token --default',
  'rstream forward 3000                         give the service on port 3000 a URL',
  'rstream webtty exec --url rstrm://pi -- uptime   run a command on a device',
  'rstream codex setup                          let Codex use all of this',
];

/** Flags of the global options that are followed by a value, to find the command words among the arguments. */
const valueFlags = new Set(
  Object.values(globalOptions)
    .map((spec) => new Option(spec.flags[0], ''))
    .flatMap((option) => (option.required ? [option.short, option.long] : [])),
);

const named = <Entry extends { readonly aliases?: readonly string[] }>(
  entries: Readonly<Record<string, Entry>>,
  word: string | undefined,
) => Object.entries(entries).find(([name, entry]) => name === word || entry.aliases?.includes(word ?? ''));

/** The arguments that name the command: those that are neither a global option nor its value, up to the first that is no noun. */
function commandWords(argv: readonly string[]): string[] {
  const words: string[] = [];
  let level: CommandGroup['commands'] | undefined = registry;
  for (let at = 0; at < argv.length && level !== undefined; at += 1) {
    const argument = argv[at] ?? '';
    if (valueFlags.has(argument)) at += 1;
    else if (argument === '--') break;
    else if (!argument.startsWith('-') && (argument !== 'help' || words.length > 0)) {
      words.push(argument);
      // The word after a command that is not a noun is its argument.
      const entry: CommandEntry | CommandGroup | undefined = named(level, argument)?.[1];
      level = entry !== undefined && isGroup(entry) ? entry.commands : undefined;
    }
  }
  return words;
}

function optionsOf(spec: OptionSpec<unknown>): Option[] {
  return spec.flags.flatMap((flags, index) => {
    if (flags === undefined) return [];
    const option = new Option(flags, index === 0 ? spec.about : '');
    if (spec.choices !== undefined) option.choices([...spec.choices]);
    if (spec.hidden === true) option.hideHelp();
    if (spec.parse !== undefined) option.argParser((raw, previous) => spec.parse?.(raw, previous ?? spec.fallback));
    if (typeof spec.fallback === 'string') option.default(undefined, spec.fallback);
    return [option];
  });
}

function readOptions(
  specs: Readonly<Record<string, OptionSpec<unknown>>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(specs).map(([key, spec]) => [key, given[new Option(spec.flags[0], '').attributeName()] ?? spec.fallback]),
  );
}

function quiet(command: Command): Command {
  return command
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false);
}

/** Fills a command from its definition; global options are taken after its name too, unless it has its own of that name. */
function describe(command: Command, definition: CommandDefinition, done: (command: Command) => void): void {
  command.description(definition.description === undefined ? definition.summary : `${definition.summary}\n\n${definition.description}`);
  for (const argument of definition.arguments ?? []) command.argument(argument.name, argument.about);
  for (const spec of Object.values(definition.options)) for (const option of optionsOf(spec)) command.addOption(option);
  const taken = new Set(command.options.flatMap((option) => [option.long, option.short]));
  command.optionsGroup('Global options:');
  for (const option of Object.values(globalOptions).flatMap(optionsOf)) {
    if (taken.has(option.short)) delete option.short;
    if (!taken.has(option.long)) command.addOption(option.helpGroup('Global options:'));
  }
  if (definition.passThrough === true) command.passThroughOptions();
  if (definition.unknownOptions === true) command.allowUnknownOption();
  command.addHelpText('after', `\nExamples:\n${definition.examples.map((line) => `  $ ${line}`).join('\n')}\n`);
  command.action(() => {
    done(command);
  });
}

/** The part of the command tree that these arguments need: every name, and the full definition of the one that is asked for. */
async function build(argv: readonly string[], done: (definition: CommandDefinition, command: Command) => void): Promise<Command> {
  const program = quiet(new Command('rstream'))
    .description('Reach everything around a repository: local services, devices, private tunnels. No inbound port.')
    .version(productVersion, '--version', 'print the version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText('after', `\nExamples:\n${rootExamples.map((line) => `  $ ${line}`).join('\n')}\n`);
  for (const option of Object.values(globalOptions).flatMap(optionsOf)) program.addOption(option);
  await addCommands(program, registry, { words: commandWords(argv), done });
  return program;
}

interface Wanted {
  readonly words: readonly string[];
  readonly done: (definition: CommandDefinition, command: Command) => void;
}

async function addCommands(parent: Command, entries: CommandGroup['commands'], { words: [word, ...words], done }: Wanted): Promise<void> {
  for (const [name, entry] of Object.entries(entries)) {
    const selected = named(entries, word)?.[0] === name;
    const command = addCommand(parent, name, entry);
    if (isGroup(entry)) {
      command.enablePositionalOptions();
      await addCommands(command, entry.commands, { words: selected ? words : [], done });
    } else if (selected) {
      await load(command, entry, done);
    }
  }
}

function addCommand(parent: Command, name: string, entry: CommandEntry | CommandGroup): Command {
  const command = quiet(new Command(name))
    .description(entry.summary)
    .aliases([...(entry.aliases ?? [])]);
  parent.addCommand(command, { hidden: 'hidden' in entry && (entry.hidden ?? false) });
  return command;
}

async function load(command: Command, entry: CommandEntry, done: (definition: CommandDefinition, command: Command) => void): Promise<void> {
  const definition = await entry.load();
  describe(command, definition, (parsed) => {
    done(definition, parsed);
  });
}

/**
 * Parses the arguments (without node and script). Undefined when help or the version was printed instead.
 * @throws RstreamError `ERR_RSTREAM_USAGE` for a command line that makes no sense.
 */
export async function parseCommandLine(argv: readonly string[]): Promise<ParsedCommand | undefined> {
  let result: ParsedCommand | undefined;
  const program = await build(argv, (definition, command) => {
    // A command's own option hides the global one of the same name: `codex setup --config` is the file of Codex.
    const own = Object.keys(definition.options);
    const globals = Object.fromEntries(Object.entries(command.opts()).filter(([key]) => !own.includes(key)));
    result = {
      definition,
      args: command.args,
      options: readOptions(definition.options, command.opts()),
      globals: readOptions(globalOptions, { ...program.opts(), ...globals }) as unknown as GlobalOptions,
    };
  });
  if (argv.length === 0) {
    program.outputHelp();
    return undefined;
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw commandLineError(error, argv);
  }
  return result;
}

function commandLineError(error: CommanderError, argv: readonly string[]): Error {
  const words = commandWords(argv);
  const help = `rstream ${words.join(' ')} --help`.replace('  ', ' ');
  if (error.code === 'commander.help') return usage(`"rstream ${words.join(' ')}" needs a verb.`, `See the verbs with: ${help}`);
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return usage(
    message.charAt(0).toUpperCase() + message.slice(1),
    error.code === 'commander.unknownCommand' ? 'See the commands with: rstream --help' : `See: ${help}`,
  );
}
