import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const script = resolve(import.meta.dirname, '../../src/bin.ts');

/** How a client starts the command from the sources. */
export const serveCommand = { command: process.execPath, args: ['--conditions=@rstream/source', script, 'mcp', 'serve'] };

/** A folder with an empty home; removed with the test. */
export class Home implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'rstream-mcp-'));
  readonly config = join(this.folder, 'config.yaml');
  readonly env: Record<string, string> = { PATH: process.env['PATH'] ?? '', HOME: this.folder, RSTREAM_CONFIG: this.config };

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** True while the process runs; one that ended and was not collected yet counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

type Message = { id?: number; result?: unknown; error?: unknown; method?: string };

/** `rstream mcp serve` driven by hand, line by line, as no SDK would. */
export class RawServer implements AsyncDisposable {
  readonly process: ChildProcessWithoutNullStreams;
  readonly exited: Promise<number | null>;
  readonly lines: string[] = [];
  stderr = '';
  readonly #waiting = new Map<number, (message: Message) => void>();
  #lastId = 0;

  constructor(home: Home, args: readonly string[] = []) {
    this.process = spawn(serveCommand.command, [...serveCommand.args, ...args], { env: home.env, cwd: home.folder });
    this.process.stdin.on('error', () => undefined);
    this.process.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      this.lines.push(line);
      const message = JSON.parse(line) as Message;
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
    });
    this.exited = once(this.process, 'close').then(() => this.process.exitCode);
  }

  /** Sends a request; the id is returned with the answer, so that it can be cancelled meanwhile. */
  request(method: string, params: unknown = {}): { id: number; answer: Promise<Message> } {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    this.send({ jsonrpc: '2.0', id, method, params });
    return { id, answer };
  }

  send(message: unknown): void {
    this.process.stdin.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
  }

  async initialize(): Promise<Message> {
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
    const answer = await this.request('initialize', params).answer;
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  }

  async call(name: string, args: unknown = {}): Promise<{ text: string; isError: boolean; data: Record<string, unknown> }> {
    const { result } = (await this.request('tools/call', { name, arguments: args }).answer) as {
      result: { content: { text: string }[]; isError?: boolean; structuredContent?: Record<string, unknown> };
    };
    return { text: result.content[0]?.text ?? '', isError: result.isError === true, data: result.structuredContent ?? {} };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }
}
