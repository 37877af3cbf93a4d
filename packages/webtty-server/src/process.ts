import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { launchOf } from './launch.ts';
import type { CommandPlan } from './plan.ts';
import { withoutMasters } from './terminal/masters.ts';

/** How a process ended: a code, or the signal that ended it. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Starts a planned command in a process group of its own. Throws one of the `ERR_RSTREAM_COMMAND_…` codes. */
export async function startProcess(plan: CommandPlan): Promise<CommandProcess> {
  const child = spawnChild(plan);
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw startError(plan, cause);
  }
  return new CommandProcess(child);
}

function spawnChild(plan: CommandPlan): ChildProcess {
  const { file, args, argv0, cwd } = launchOf(plan);
  try {
    return withoutMasters([plan.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'], (stdio) =>
      spawn(file, args, {
        argv0,
        cwd,
        env: plan.env,
        // A group of its own, so that a signal reaches the children of the command and nothing else.
        detached: process.platform !== 'win32',
        windowsHide: true,
        stdio,
      }),
    );
  } catch (cause) {
    throw startError(plan, cause);
  }
}

function startError(plan: CommandPlan, cause: unknown): RstreamError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  const program = plan.argv[0]?.slice(0, 200) ?? '';
  // The file was there a moment ago: what is missing is the interpreter in its first line.
  if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOEXEC') {
    return new RstreamError('ERR_RSTREAM_COMMAND_NOT_EXECUTABLE', `${program}: cannot be executed on the device (${code}).`, { cause });
  }
  return new RstreamError('ERR_RSTREAM_COMMAND_FAILED_TO_START', `${program}: ${code}`, { cause });
}

/** A running command: its pipes, its end, and the signals for its process group. */
export class CommandProcess {
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;
  #terminating = false;
  #killTimer: NodeJS.Timeout | undefined;

  /** Made by {@link startProcess}. */
  constructor(child: ChildProcess) {
    if (child.stdout === null || child.stderr === null) throw new RstreamError('INTERNAL', 'The process has no pipes.');
    this.#child = child;
    this.stdin = child.stdin ?? undefined;
    this.stdout = child.stdout;
    this.stderr = child.stderr;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    // A failed kill is reported here, too; the end of the process is what counts.
    child.on('error', () => undefined);
  }

  /** Sends a signal to the group. A group that is gone is not an error. */
  signal(name: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      if (process.platform === 'win32') this.#child.kill(name);
      else process.kill(-pid, name);
    } catch {
      // ESRCH: it has ended. EPERM: what is left of it changed its user, and nothing can be done from here.
    }
  }

  /** TERM now, KILL for whatever of the group is left after the grace, also when the leader has exited by then. */
  terminate(graceMs: number): void {
    if (this.#terminating) return;
    this.#terminating = true;
    this.signal('SIGTERM');
    // A stopped process would not see TERM.
    this.signal('SIGCONT');
    this.#killTimer = setTimeout(() => this.signal('SIGKILL'), graceMs);
  }

  /** Lets go of the pipes and of a kill that is no longer needed. */
  release(): void {
    if (this.#killTimer !== undefined) {
      clearTimeout(this.#killTimer);
      this.signal('SIGKILL');
    }
    this.stdin?.destroy();
    this.stdout.destroy();
    this.stderr.destroy();
  }
}
