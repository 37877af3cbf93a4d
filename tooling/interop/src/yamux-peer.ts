import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { find } from './provide.ts';

const source = resolve(import.meta.dirname, '../yamux');
const BUILD_TIMEOUT_MS = 150_000;

/** Builds the Go program into a fresh temporary folder and returns its path. */
export function buildYamuxPeer(): string {
  const go = find('go');
  if (go === undefined) {
    throw new Error(
      'hashicorp/yamux needs Go 1.22 or newer, and there is no "go" on the PATH: install it from https://go.dev/dl/ and run this again',
    );
  }
  const binary = join(mkdtempSync(join(tmpdir(), 'rstream-yamux-')), 'yamux-peer');
  execFileSync(go, ['build', '-o', binary, '.'], { cwd: source, stdio: 'pipe', timeout: BUILD_TIMEOUT_MS });
  return binary;
}

export type PeerAnswer = Readonly<Record<string, unknown>>;

/** A running Go program: one command at a time, one answer each. */
export class YamuxPeer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(binary: string, args: readonly string[]) {
    this.#process = spawn(binary, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const { stdout } = this.#process;
    if (stdout === null) throw new Error('the Go program has no standard output');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** The next answer; the first one of a listening program is its port. */
  async answer(): Promise<PeerAnswer> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the Go program ended');
    return JSON.parse(value) as PeerAnswer;
  }

  async run(command: Readonly<Record<string, unknown>>): Promise<PeerAnswer> {
    this.#process.stdin?.write(`${JSON.stringify(command)}\n`);
    return await this.answer();
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }
}
