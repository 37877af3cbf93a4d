import type { MessageLink } from './message-link.ts';
import { OutputPump } from './output-pump.ts';
import type { CommandPlan } from './plan.ts';
import { startProcess } from './process.ts';
import type { OutputFlow, RunningProcess } from './running-process.ts';
import { openPty } from './terminal/pty.ts';
import { TerminalOutput } from './terminal/terminal-output.ts';
import { TerminalProcess } from './terminal/terminal-process.ts';

/** What was started, and how to get at its output. */
export interface Execution {
  readonly process: RunningProcess;
  /** Lets output flow; call after the ack was sent. */
  readonly openOutput: (link: MessageLink) => OutputFlow;
}

/** Starts what was planned. Throws one of the `ERR_RSTREAM_COMMAND_…` codes or `ERR_RSTREAM_TERMINAL_MISSING`. */
export async function startExecution(plan: CommandPlan): Promise<Execution> {
  const { terminal, maxOutputBytes: maxBytes } = plan;
  if (terminal === undefined) {
    const process = await startProcess(plan);
    return { process, openOutput: (link) => new OutputPump(link, process, maxBytes) };
  }
  const pty = await openPty({ file: plan.file, args: plan.argv.slice(1), cwd: plan.cwd, env: plan.env, size: terminal.size });
  const window = terminal.window ?? Infinity;
  return { process: new TerminalProcess(pty), openOutput: (link) => new TerminalOutput(link, pty, { maxBytes, window }) };
}
