import { Command } from 'commander';
import { productVersion } from '@rstream/protocol';
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
