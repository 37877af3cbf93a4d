import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Case } from './stream-cases.ts';

export interface Measured {
  readonly ms: number;
  /** Client and server together. */
  readonly cpuMs: number;
}

/** A process that is driven by JSON lines: one command, one answer. */
class LineProcess {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(command: string, args: readonly string[]) {
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const { stdout } = this.#process;
    if (stdout === null) throw new Error(`${command} has no standard output`);
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  async answer(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('a process of the benchmark ended early');
    const answer = JSON.parse(value) as Record<string, unknown>;
    if (typeof answer['error'] === 'string' && answer['error'] !== '') throw new Error(answer['error']);
    return answer;
  }

  async run(command: object): Promise<Record<string, unknown>> {
    this.#process.stdin?.write(`${JSON.stringify(command)}\n`);
    return await this.answer();
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }
}

const node = (file: string, ...args: string[]): LineProcess =>
  new LineProcess(process.execPath, ['--conditions=@rstream/source', join(import.meta.dirname, file), ...args]);

/** A client and a server process of one variant, with a delay line between them when `rtt` is above 0. */
export class Pair {
  readonly #server: LineProcess;
  readonly #client: LineProcess;
  readonly #line: LineProcess | undefined;

  private constructor(parts: { server: LineProcess; client: LineProcess; line: LineProcess | undefined }) {
    this.#server = parts.server;
    this.#client = parts.client;
    this.#line = parts.line;
  }

  /** @param go path of the Go program, for the variant `go` */
  static async start(variant: string, options: { rtt: number; go: string | undefined }): Promise<Pair> {
    const go = variant === 'go' ? options.go : undefined;
    const server = go !== undefined ? new LineProcess(go, ['-role', 'server']) : node('worker.ts', 'server', variant);
    let port = String((await server.answer())['port']);
    const line = options.rtt > 0 ? node('delay-line.ts', String(options.rtt), port) : undefined;
    if (line !== undefined) port = String((await line.answer())['port']);
    const client =
      go !== undefined
        ? new LineProcess(go, ['-role', 'client', '-connect', `127.0.0.1:${port}`])
        : node('worker.ts', 'client', variant, port);
    await client.run({ do: 'cpu' });
    return new Pair({ server, client, line });
  }

  async measure(work: Case): Promise<Measured> {
    const before = Number((await this.#server.run({ do: 'cpu' }))['cpuMs']);
    const client = await this.#client.run(work);
    const server = Number((await this.#server.run({ do: 'cpu' }))['cpuMs']) - before;
    return { ms: Number(client['ms']), cpuMs: Number(client['cpuMs']) + server };
  }

  stop(): void {
    this.#client.stop();
    this.#server.stop();
    this.#line?.stop();
  }
}

/** Builds the Go program of the interoperability tests; undefined where there is no Go. */
export function buildGoPeer(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/go/bin'];
  const go = folders.map((folder) => join(folder, 'go')).find((file) => isExecutable(file));
  if (go === undefined) return undefined;
  const binary = join(mkdtempSync(join(tmpdir(), 'rstream-bench-')), 'yamux-peer');
  execFileSync(go, ['build', '-o', binary, '.'], { cwd: resolve(import.meta.dirname, '../../../interop/yamux'), stdio: 'pipe' });
  return binary;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
