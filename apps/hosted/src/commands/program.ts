import { Command } from 'commander';
import { productVersion, toRstreamError } from '@rstream/protocol';
import { projectCommand } from './project.ts';
import { serveCommand } from './serve.ts';
import { tokenCommand } from './token.ts';

/** The command line of `rstream-hosted`. Each command loads what it needs when it runs. */
export function createProgram(): Command {
  return new Command('rstream-hosted')
    .description('The public side of rstream: relay and control plane in one process.')
    .version(productVersion)
    .showHelpAfterError('(--help shows every option)')
    .addCommand(serveCommand())
    .addCommand(tokenCommand())
    .addCommand(projectCommand());
}

/** An error for a person: what happened, its code, and what to do next. */
export function describeError(error: unknown): string {
  const { code, message, next } = toRstreamError(error);
  return `rstream-hosted: ${message} [${code}]\n  ${next}\n`;
}
