import { spawn, type ChildProcessByStdio, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** A real process of the product under test: its output is kept whole (tests are bounded), and it is ended with its world. */
export class Child {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  stdout = '';
  stderr = '';
  readonly #waiting = new Set<() => void>();

  constructor(file: string, args: readonly string[], options: SpawnOptions = {}) {
    this.process = spawn(file, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    this.process.stdin.on('error', () => undefined);
    this.process.stdout.setEncoding('utf8').on('data', (text: string) => this.#keep('stdout', text));
    this.process.stderr.setEncoding('utf8').on('data', (text: string) => this.#keep('stderr', text));
    this.exited = once(this.process, 'close').then(() => ({ code: this.process.exitCode, signal: this.process.signalCode }));
    void this.exited.then(() => this.#wake());
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('the process did not start');
    return this.process.pid;
  }

  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Resolves once `accept` finds what it wants in what the process has said; fails when the process ends or the deadline passes. */
  async until<T>(accept: (child: this) => T | undefined | false, milliseconds = 15_000): Promise<T> {
    const deadline = AbortSignal.timeout(milliseconds);
    for (;;) {
      const found = accept(this);
      if (found !== undefined && found !== false) return found;
      if (!this.isRunning) throw new Error(`the process ended first:\n${this.stdout}\n${this.stderr}`);
      if (deadline.aborted) throw new Error(`nothing matched within ${milliseconds} ms:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          deadline.removeEventListener('abort', wake);
          this.#waiting.delete(wake);
          resolve();
        };
        deadline.addEventListener('abort', wake);
        this.#waiting.add(wake);
      });
    }
  }

  /** Ends it: TERM, and KILL after `milliseconds`. */
  async stop(milliseconds = 15_000): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (this.isRunning) this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), milliseconds);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  #keep(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
