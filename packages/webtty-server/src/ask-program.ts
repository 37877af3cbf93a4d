import { spawn, type ChildProcess } from 'node:child_process';
import { limits } from '@rstream/protocol';
import { standardPath } from './executable.ts';
import { withoutMasters } from './terminal/masters.ts';

/** How a program that was asked something ended. */
export interface Answer {
  readonly outcome: 'exited' | 'late' | 'aborted' | 'not started';
  /** Null: a signal ended it, or it did not end by itself. */
  readonly code: number | null;
  /** End of what it printed. */
  readonly output: string;
}

export interface AskOptions {
  /** Default: the standard path and no locale. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** What it may read. */
  readonly input?: string | undefined;
  readonly timeoutMs: number;
  /** Last bytes of its output that are kept. */
  readonly keepBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Asks a program of the system, with a clean environment and within the limits of such questions. Never rejects. */
export function askSystem(argv: readonly string[]): Promise<Answer> {
  return askProgram(argv, { timeoutMs: limits.webtty.systemAnswer.default, keepBytes: limits.webtty.systemAnswerBytes.default });
}

/** Runs a program in a group of its own, all of which is gone when this settles. Never rejects. */
export function askProgram(argv: readonly string[], options: AskOptions): Promise<Answer> {
  const { input = '', timeoutMs, keepBytes, signal } = options;
  if (signal?.aborted === true) return Promise.resolve({ outcome: 'aborted', code: null, output: '' });
  const child = start(argv, options.env ?? { PATH: standardPath, LC_ALL: 'C' });
  if (child === undefined) return Promise.resolve({ outcome: 'not started', code: null, output: '' });
  const { promise, resolve } = Promise.withResolvers<Answer>();
  let output: Buffer = Buffer.alloc(0);
  child.stdout?.on('data', (chunk: Buffer) => {
    output = Buffer.concat([output, chunk]).subarray(-keepBytes);
  });
  let timer: NodeJS.Timeout | undefined;
  const settle = (outcome: Answer['outcome'], code: number | null = null): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    if (child.exitCode === null && child.signalCode === null) killGroup(child);
    child.stdin?.destroy();
    child.stdout?.destroy();
    resolve({ outcome, code, output: output.toString() });
  };
  const onAbort = (): void => settle('aborted');
  timer = setTimeout(() => settle('late'), timeoutMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  child.once('error', () => settle('not started'));
  child.once('exit', (code) => {
    killGroup(child);
    // What left the group may hold the output open.
    clearTimeout(timer);
    timer = setTimeout(() => settle('exited', code), limits.webtty.outputLinger.default);
  });
  child.once('close', (code) => settle('exited', code));
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  return promise;
}

function start([file = '', ...args]: readonly string[], env: Readonly<Record<string, string>>): ChildProcess | undefined {
  try {
    return withoutMasters(['pipe', 'pipe', 'ignore'], (stdio) =>
      spawn(file, args, { cwd: '/', env, detached: process.platform !== 'win32', windowsHide: true, stdio }),
    );
  } catch {
    return undefined;
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}
