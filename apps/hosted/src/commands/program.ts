import { Command, CommanderError } from 'commander';
import { productVersion, RstreamError, toRstreamError } from '@rstream/protocol';
import { projectCommand } from './project.ts';
import { serveCommand } from './serve.ts';
import { tokenCommand } from './token.ts';

/** The command line of `rstream-hosted`. Each command loads what it needs when it runs. Parsing throws instead of exiting. */
export function createProgram(): Command {
  return throwing(
    new Command('rstream-hosted')
      .description('The public side of rstream: relay and control plane in one process.')
      .version(productVersion)
      .addCommand(serveCommand())
      .addCommand(tokenCommand())
      .addCommand(projectCommand()),
  );
}

function throwing(command: Command): Command {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  command.commands.forEach(throwing);
  return command;
}

/** What went wrong; undefined when help or the version was all that was asked for. */
export function failureOf(error: unknown): RstreamError | undefined {
  if (!(error instanceof CommanderError)) return toRstreamError(error);
  if (error.exitCode === 0) return undefined;
  const message = error.code === 'commander.help' ? 'a command is missing' : error.message.replace(/^error: /, '');
  return new RstreamError('ERR_RSTREAM_USAGE', `${message.charAt(0).toUpperCase()}${message.slice(1)}.`, {
    next: 'See the options with --help, after the command too.',
  });
}

/** An error for a person: what happened, its code, and what to do next. With `-o json`, one object with the same. */
export function describeError(error: RstreamError, argv: readonly string[]): string {
  if (wantsJson(argv)) return `${JSON.stringify(error)}\n`;
  return `rstream-hosted: ${error.message} [${error.code}]\n  next: ${error.next}\n`;
}

function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, index) => word === '-ojson' || word === '--output=json' || (word === 'json' && /^(-o|--output)$/.test(argv[index - 1] ?? '')),
  );
}
