import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What takes minutes runs only when it is asked for. */
export const soak = process.env['RSTREAM_TEST_SOAK'] === '1';

/** A sidecar in a process of its own. */
export class ServedProcess {
  readonly process: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.process = child;
    this.port = port;
  }

  static async start(root: string): Promise<ServedProcess> {
    const file = fileURLToPath(new URL('serve.ts', import.meta.url));
    const child = spawn(
      process.execPath,
      ['--expose-gc', '--conditions=@rstream/source', '--disable-warning=ExperimentalWarning', file, root],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    return new ServedProcess(child, Number(line.toString()));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/fs`;
  }
  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }
  /** Memory that the process holds now, and the most that it held, in MB (Linux). */
  get memory(): { now: number; peak: number } {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
    return { now: field('VmRSS'), peak: field('VmHWM') };
  }
  /** Memory in MB once the collector has run: what it has not got to yet is no growth. */
  async collected(): Promise<number> {
    this.process.kill('SIGUSR2');
    await once(this.process.stdout ?? this.process, 'data');
    return this.memory.now;
  }
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!this.isRunning) return;
    this.process.kill(signal);
    await once(this.process, 'exit');
  }
}
