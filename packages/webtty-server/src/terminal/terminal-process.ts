import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { TerminalSize } from '@rstream/protocol/webtty';
import type { ProcessExit } from '../process.ts';
import type { RunningProcess } from '../running-process.ts';
import type { Pty } from './pty.ts';

/** Place of the terminal's foreground group in /proc/PID/stat, counted behind the name of the program. */
const FOREGROUND_GROUP_FIELD = 5;

/** The program on a terminal, as the thing that is signalled and ended. */
export class TerminalProcess implements RunningProcess {
  readonly stdin: Writable;
  readonly exited: Promise<ProcessExit>;
  readonly #pty: Pty;
  #ending: readonly number[] | undefined;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(pty: Pty) {
    this.#pty = pty;
    this.stdin = pty.input;
    this.exited = pty.exited;
  }

  resize(size: TerminalSize): void {
    this.#pty.resize(size);
  }

  /** To what runs in the foreground, which Ctrl-C would reach, too. */
  signal(name: NodeJS.Signals): void {
    send(foregroundGroup(this.#pty.pid) ?? this.#pty.pid, name);
  }

  /**
   * Hangs up, as a lost connection does to any terminal: HUP for the shell, which passes it to its jobs, and for the foreground.
   * KILL for both groups after the grace. A job that asked to survive a hang-up does.
   */
  terminate(graceMs: number): void {
    if (this.#ending !== undefined) return;
    this.#ending = [...new Set([foregroundGroup(this.#pty.pid) ?? this.#pty.pid, this.#pty.pid])];
    for (const name of ['SIGHUP', 'SIGCONT'] as const) this.#sendAll(name);
    this.#killTimer = setTimeout(() => this.#sendAll('SIGKILL'), graceMs);
  }

  release(): void {
    if (this.#killTimer !== undefined) {
      clearTimeout(this.#killTimer);
      this.#sendAll('SIGKILL');
    }
    this.#pty.close();
  }

  #sendAll(name: NodeJS.Signals): void {
    for (const group of this.#ending ?? []) send(group, name);
  }
}

function send(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch {
    // ESRCH: it has ended. EPERM: it changed its user, and nothing can be done from here.
  }
}

/** Undefined where the system does not tell, and when the program has ended. */
function foregroundGroup(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[FOREGROUND_GROUP_FIELD]);
    return group > 0 ? group : undefined;
  } catch {
    return undefined;
  }
}
