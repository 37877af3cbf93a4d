import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** A child process of the demo, with what it last said, so that a failure can be explained. */
export interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  lastWords(): string;
}

const KEPT_CHARACTERS = 4_000;
const STOP_DEADLINE_MS = 15_000;

/** Every process that the demo started, newest last; stopped in reverse order. */
const running: Running[] = [];

/** Starts a process in its own group, so that Ctrl-C on the terminal reaches only the demo, which then stops them in order. */
export function start(name: string, command: readonly [string, ...string[]], env: NodeJS.ProcessEnv): Running {
  const [file, ...args] = command;
  let words = '';
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-KEPT_CHARACTERS);
    });
  }
  child.on('error', (error) => {
    words += error.message;
  });
  const process_: Running = { name, child, lastWords: () => words.trim() };
  running.push(process_);
  return process_;
}

/** Waits until `file` holds JSON that `accept` takes; fails with the process's last words when it ends first. */
export async function readyFile<T>(owner: Running, file: string, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    if (owner.child.exitCode !== null || owner.child.signalCode !== null) {
      throw new Error(`${owner.name} ended before it was ready:\n${owner.lastWords()}`);
    }
    const content = read(file);
    if (content !== undefined) return content as T;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function read(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Stops everything in reverse order: TERM, and KILL after a deadline. */
export async function stopAll(): Promise<void> {
  for (const { child } of running.toReversed()) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(timer);
  }
  running.length = 0;
}
