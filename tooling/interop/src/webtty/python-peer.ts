import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { pythonPeer } from './schema.ts';

/** A message as protobuf's JSON form has it: bytes in base64, enums as numbers, defaults left out. */
export type Json = Readonly<Record<string, unknown>>;

/** One thing that the peer said; see `peer.py`. */
export interface Said {
  readonly message?: Json;
  /** The message had fields that the published schema does not know. */
  readonly unknown?: boolean;
  readonly hex?: string;
  readonly error?: string;
  readonly closed?: { readonly code: number; readonly reason: string };
  readonly end?: string;
}

/** What the Python program is to be; see `peer.py`. */
export type Mode =
  readonly ['codec'] | readonly ['plain', ...command: string[]] | readonly ['websocket', url: string, ...address: string[]];

/** The Python peer, driven by lines. Everything that it said is kept: tests are bounded. */
export class PythonPeer {
  readonly said: Said[] = [];
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Set<() => void>();
  readonly #isPlain: boolean;
  #isOver = false;

  constructor(mode: Mode, env: NodeJS.ProcessEnv = process.env) {
    const [file, ...args] = pythonPeer();
    this.#isPlain = mode[0] === 'plain';
    this.#process = spawn(file, [...args, ...mode], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process.stdin.on('error', () => undefined);
    const lines = createInterface({ input: this.#process.stdout });
    lines.on('line', (line) => {
      this.said.push(JSON.parse(line) as Said);
      this.#wake();
    });
    lines.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  send(...messages: readonly Json[]): this {
    for (const message of messages) this.tell({ send: message });
    return this;
  }

  tell(line: Json): void {
    this.#process.stdin.write(`${JSON.stringify(line)}\n`);
  }

  /** What `accept` finds in what was said; waits for it. */
  async until<T>(accept: (said: readonly Said[]) => T | undefined): Promise<T> {
    for (;;) {
      const found = accept(this.said);
      if (found !== undefined) return found;
      if (this.#isOver || this.said.some(({ end }) => end !== undefined)) {
        throw new Error(`the connection ended first; the peer said ${JSON.stringify(this.said).slice(-2_000)}`);
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  /** Body of the first message of a kind. */
  kind(name: string): Promise<Json> {
    return this.until((said) => said.find(({ message }) => message?.[name] !== undefined)?.message?.[name] as Json | undefined);
  }

  /**
   * Waits for the last message and for the end of the connection, and gives what was received. In the plain framing a client ends its
   * side first; a WebSocket is closed by the server.
   */
  async ended(): Promise<readonly Json[]> {
    const last = ({ message, end }: Said): boolean =>
      end !== undefined || ['close', 'error', 'protocolError'].some((kind) => message?.[kind] !== undefined);
    await this.until((said) => said.find(last));
    if (this.#isPlain) this.tell({ end: true });
    const end = await this.until((said) => said.find((one) => one.end !== undefined)?.end);
    if (end !== '') throw new Error(end);
    return this.messages;
  }

  get messages(): readonly Json[] {
    return this.said.flatMap(({ message }) => (message === undefined ? [] : [message]));
  }

  /** Output so far: 1 is stdout, 2 is stderr. */
  text(type: 1 | 2 = 1): string {
    return Buffer.concat(
      this.messages.flatMap(({ data }) => {
        const part = data as { type?: number; data?: string } | undefined;
        return part?.type === type && part.data !== undefined ? [Buffer.from(part.data, 'base64')] : [];
      }),
    ).toString();
  }

  untilText(words: string | RegExp): Promise<true> {
    return this.until(() => (this.text().search(words) === -1 ? undefined : true));
  }

  async stop(): Promise<void> {
    this.#process.stdin.end();
    this.#process.kill('SIGKILL');
    if (!this.#isOver) await once(this.#process, 'close');
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
