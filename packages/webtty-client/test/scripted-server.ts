import { setImmediate } from 'node:timers/promises';
import { decodeMessage, encodeFrame, FrameDecoder, type Message, type MessageOf } from '@rstream/protocol/webtty';
import type { WebttyTransport } from '@rstream/webtty-client';

type Known = Exclude<Message, { kind: 'unknown' }>;

/** The device's side of a transport, played by a test: no process, no socket. */
export class ScriptedServer {
  readonly transport: WebttyTransport;
  /** Bytes handed to the client so far. */
  readBytes = 0;
  isClosed = false;
  readonly #toClient: (Uint8Array | undefined)[] = [];
  readonly #fromClient: Message[] = [];
  readonly #decoder = new FrameDecoder();
  #reading = 0;
  #failure: Error | undefined;
  #wake: (() => void)[] = [];

  constructor() {
    this.transport = {
      read: async () => {
        this.#reading += 1;
        while (this.#toClient.length === 0 && !this.isClosed && this.#failure === undefined) await this.#change();
        this.#reading -= 1;
        if (this.#toClient.length === 0 && this.#failure !== undefined) throw this.#failure;
        const chunk = this.#toClient.shift();
        this.readBytes += chunk?.byteLength ?? 0;
        return chunk;
      },
      write: (chunk) => {
        if (this.isClosed) return Promise.reject(new Error('closed'));
        for (const body of this.#decoder.push(chunk)) this.#fromClient.push(decodeMessage(body));
        this.#notify();
        return undefined;
      },
      close: () => {
        this.isClosed = true;
        this.#notify();
      },
    };
  }

  send(...messages: readonly Known[]): void {
    for (const message of messages) this.#toClient.push(encodeFrame(message));
    this.#notify();
  }

  sendBytes(bytes: Uint8Array): void {
    this.#toClient.push(bytes);
    this.#notify();
  }

  /** The connection breaks with an error of the transport. */
  fail(error: Error): void {
    this.#failure = error;
    this.#notify();
  }

  /** A clean end of the connection. */
  end(): void {
    this.#toClient.push(undefined);
    this.#notify();
  }

  /** Next message of the client. */
  async next(): Promise<Message> {
    while (this.#fromClient.length === 0) await this.#change();
    return this.#fromClient.shift() ?? { kind: 'unknown' };
  }

  /** Takes the open message and acknowledges it. */
  async start({ contract = true, stdinWindow = 262_144 } = {}): Promise<MessageOf<'open'>> {
    const open = await this.next();
    if (open.kind !== 'open') throw new Error(`expected open, got ${open.kind}`);
    this.send({ kind: 'ack', capabilities: contract ? [1000] : [], stdinWindow: contract ? stdinWindow : 0 });
    return open;
  }

  /** Waits until the client has taken, and acted on, everything that was sent. */
  async untilRead(): Promise<void> {
    while (this.#toClient.length > 0 || this.#reading === 0) await setImmediate();
  }

  async untilClosed(): Promise<void> {
    while (!this.isClosed) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve);
    });
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

export const out = (text: string): Known => ({ kind: 'data', type: 1, data: new TextEncoder().encode(text) });
export const err = (text: string): Known => ({ kind: 'data', type: 2, data: new TextEncoder().encode(text) });
export const eos = (type: number): Known => ({ kind: 'data', type, eos: true });

export function closed(returnCode: number, report?: Partial<NonNullable<MessageOf<'close'>['report']>>): Known {
  const empty = { signal: '', timedOut: false, cancelled: false, stdoutBytes: 0, stderrBytes: 0, durationMs: 0 };
  return { kind: 'close', returnCode, ...(report === undefined ? {} : { report: { ...empty, ...report } }) };
}
