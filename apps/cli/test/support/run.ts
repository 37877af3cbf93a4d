import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const bin = resolve(import.meta.dirname, '../../src/bin.ts');
export const nodeArgs = ['--conditions=@rstream/source', '--disable-warning=ExperimentalWarning', bin];

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of its own with an empty home, in which the real command line runs as a process. */
export class Workstation {
  readonly folder = mkdtempSync(join(tmpdir(), 'rstream-cli-'));
  readonly config = join(this.folder, 'config.yaml');
  readonly env: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: this.folder, RSTREAM_CONFIG: this.config };

  /** Starts the command; the caller ends it. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    return spawn(process.execPath, [...nodeArgs, ...args], { env: { ...this.env, ...env }, cwd: this.folder });
  }

  /** Runs the command to its end. */
  async run(
    args: readonly string[],
    { env = {}, input = '' }: { env?: NodeJS.ProcessEnv; input?: string | Buffer } = {},
  ): Promise<Outcome> {
    const child = this.start(args, env);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const code = await new Promise<number | null>((done) => child.on('close', done));
    return { code, stdout, stderr };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
