import { Command, CommanderError, Option } from 'commander';
import { productVersion, RstreamError, toRstreamError } from '@rstream/protocol';
import { exitCodeOf } from './exit-code.ts';
import { addRecordingsCommand } from './recordings/command.ts';
import { run } from './run.ts';

interface RunFlags {
  readonly output: 'text' | 'json';
  readonly label?: Readonly<Record<string, string>>;
  readonly maxSessions?: string;
  readonly shutdownTimeout?: string;
  readonly [flag: string]: unknown;
}

/** Parses the command line, runs it, and returns the exit code. Errors go to standard error with code and next step. */
export async function main(argv: readonly string[]): Promise<number> {
  let failure: RstreamError | undefined;
  const program = createProgram(async (flags) => {
    failure = await run(toSettings(flags), flags.output, (line) => void process.stdout.write(`${line}\n`));
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    failure = error instanceof CommanderError ? usageError(error, argv) : toRstreamError(error);
  }
  if (failure !== undefined) report(failure, argv);
  return exitCodeOf(failure);
}

function createProgram(onRun: (flags: RunFlags) => Promise<void>): Command {
  const program = new Command('rstream-agent')
    .description('rstream on a device: runs commands for authorised operators, with no inbound port.')
    .version(productVersion)
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  program
    .command('run')
    .description('serve commands of this machine until stopped')
    .option('--engine <address>', 'engine of the project: HOST:PORT or URL')
    .option('--token-file <file>', 'file with the token of this device; only its owner may read it')
    .option('--name <name>', 'name of this device, unique in the project')
    .option('--label <key=value>', 'label for the inventory, repeatable', addLabel)
    .option('--config <file>', 'YAML file with the same settings and the policy; flags win')
    .addOption(new Option('--carrier <kind>', 'how to reach the engine').choices(['auto', 'upgrade', 'websocket']))
    .option('--ca-file <file>', "PEM of the authority that signed the engine's certificate")
    .addOption(
      new Option('--execution-mode <mode>', 'whom commands run as: the agent, or a login account (default spawn)').choices([
        'spawn',
        'login',
      ]),
    )
    .option('--login-user <name>', 'account of commands in the mode login; another than its own needs a root agent')
    .option('--allow-client-user', 'clients may name an account that policy.users lists (mode login)')
    .option('--allow-terminal', 'offer terminals and the login shell, too (policy: terminal)')
    .option('--publish', 'publish the device for browsers, too: a page with a terminal, behind a token')
    .option('--hostname <label>', 'with --publish: label of the host name')
    .option('--allowed-origin <origin>', 'with --publish: another page that may open terminals, repeatable', addText)
    .addOption(new Option('--record <mode>', 'which sessions to record (default never)').choices(['never', 'asked', 'always', 'required']))
    .option('--record-dir <dir>', 'folder for recordings; nobody else may look into it')
    .option('--fs-root <dir>', 'serve this folder over WebDAV at /fs; NAME=DIR, repeatable, for several below /fs', addText)
    .option('--fs-read-only', 'nothing in the served folders can be changed')
    .option('--fs-max-upload-size <bytes>', 'largest file that may be uploaded (default 64MiB)')
    .addOption(
      new Option('--fs-durability <kind>', 'what a power cut may take: nothing, changes of names, or more (default full)').choices([
        'full',
        'rename',
        'none',
      ]),
    )
    .option('--fs-strict', 'do not start where the folders cannot be contained as they should')
    .option('--max-sessions <count>', 'commands that run at once (default 64)')
    .option('--shutdown-timeout <ms>', 'time for running commands to finish on SIGTERM (default 10000)')
    .option('--state-dir <dir>', 'folder that keeps jobs (default: one of this name in ~/.local/state/rstream-agent)')
    .option('--ready-file <file>', 'JSON file that exists while the agent is online')
    .option('--log-level <level>', 'fatal, error, warn, info, debug, trace or silent (default info)')
    .addOption(new Option('-o, --output <format>', 'status lines on standard output').choices(['text', 'json']).default('text'))
    .action((flags: RunFlags) => onRun(flags));
  addRecordingsCommand(program, (line) => void process.stdout.write(`${line}\n`));
  return program;
}

function toSettings({
  output: _output,
  label,
  stateDir,
  allowedOrigin,
  maxSessions,
  shutdownTimeout,
  ...flags
}: RunFlags): Record<string, unknown> {
  return {
    ...flags,
    labels: label,
    stateDirectory: stateDir,
    allowedOrigins: allowedOrigin,
    maxSessions: toNumber(maxSessions),
    shutdownTimeoutMs: toNumber(shutdownTimeout),
  };
}

const toNumber = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));

const addText = (text: string, texts: readonly string[] = []): readonly string[] => [...texts, text];

function addLabel(text: string, labels: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new RstreamError('ERR_RSTREAM_AGENT_CONFIG', `--label ${text}: must be key=value.`);
  return { ...labels, [text.slice(0, equals)]: text.slice(equals + 1) };
}

function usageError(error: CommanderError, [group]: readonly string[]): RstreamError {
  const message = error.code === 'commander.help' ? 'There is no command. Did you mean "run"?' : error.message.replace(/^error: /, '');
  return new RstreamError('ERR_RSTREAM_AGENT_CONFIG', message, {
    next: `Run: rstream-agent ${group === 'recordings' ? group : 'run'} --help`,
  });
}

function report(error: RstreamError, argv: readonly string[]): void {
  const json = argv.some(
    (word, index) => word === '--output=json' || word === '-ojson' || (word === 'json' && /^(-o|--output)$/.test(argv[index - 1] ?? '')),
  );
  const text = json ? JSON.stringify(error) : `rstream-agent: ${error.message} [${error.code}]\n  next: ${error.next}`;
  process.stderr.write(`${text}\n`);
}
