import { launchOf } from './launch.ts';
import type { CommandPlan } from './plan.ts';
import { startProcess } from './process.ts';
import type { RunningProcess } from './running-process.ts';
import { PipeSource, PtySource, type OutputSource } from './session/output-source.ts';
import { openPty } from './terminal/pty.ts';
import { TerminalProcess } from './terminal/terminal-process.ts';

/** What was started, and how to get at its output. */
export interface Execution {
  readonly process: RunningProcess;
  /** Its output, which flows when it is opened. */
  readonly source: OutputSource;
}

/** Starts what was planned. Throws one of the `ERR_RSTREAM_COMMAND_…` codes or `ERR_RSTREAM_TERMINAL_MISSING`. */
export async function startExecution(plan: CommandPlan): Promise<Execution> {
  const { terminal } = plan;
  if (terminal === undefined) {
    const process = await startProcess(plan);
    return { process, source: new PipeSource(process) };
  }
  const { file, args, cwd, uid } = launchOf(plan);
  const pty = await openPty({ file, args, cwd, uid, env: plan.env, size: terminal.size });
  return { process: new TerminalProcess(pty), source: new PtySource(pty) };
}
