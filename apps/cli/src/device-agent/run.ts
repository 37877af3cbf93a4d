import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { RstreamError } from '@rstream/protocol';
import type { ProgramStart } from './find.ts';

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
/** Variables that hold a secret, or say what the arguments say. */
const ownVariables = new Set(['RSTREAM_AUTHENTICATION_TOKEN', 'RSTREAM_CONTROL_PLANE_HEADERS']);

/**
 * Runs the agent in the place of this process: same streams, same signals, same exit code.
 * @throws RstreamError `ERR_RSTREAM_AGENT_NOT_FOUND` when the system cannot start it
 */
export async function runAgent({ command, args }: ProgramStart): Promise<number> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ownVariables.has(name)));
  // Its own process group: Ctrl-C would reach it from the terminal and from us, and its second one does not wait for commands to end.
  const child = spawn(command, args, { env, stdio: 'inherit', detached: process.platform !== 'win32' });
  const forward = (name: NodeJS.Signals): void => void child.kill(name);
  const names = process.platform === 'win32' ? (['SIGINT', 'SIGTERM'] as const) : forwarded;
  for (const name of names) process.on(name, forward);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new RstreamError('ERR_RSTREAM_AGENT_NOT_FOUND', `${command} cannot be started (${reason}).`, { cause });
  } finally {
    for (const name of names) process.off(name, forward);
  }
}
