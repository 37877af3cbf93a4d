import { duplexPair, type Duplex } from 'node:stream';
import { decodeMessage, encodeFrame, FrameDecoder, type Config, type ExecOptions, type Message } from '@rstream/protocol/webtty';
import { CommandServer, type Caller, type CommandRecord, type CommandServerOptions } from '@rstream/webtty-server';

type Known = Exclude<Message, { kind: 'unknown' }>;

/** A client that knows nothing but messages, so that tests see what a published client would. */
export class RawClient {
  readonly stream: Duplex;
  readonly received: Message[] = [];
  readonly ended: Promise<void>;
  readonly #decoder = new FrameDecoder();
  #wake: (() => void)[] = [];
  #isOver = false;

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on('data', (chunk: Uint8Array) => {
      for (const body of this.#decoder.push(chunk)) this.received.push(decodeMessage(body));
      this.#notify();
    });
    stream.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      const over = (): void => {
        this.#isOver = true;
        this.#notify();
        resolve();
      };
      stream.once('end', over);
      stream.once('close', over);
    });
  }

  send(...messages: readonly Known[]): this {
    for (const message of messages) this.stream.write(encodeFrame(message));
    return this;
  }

  /** First message that matches; waits for it. */
  async until(matches: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const found = this.received.find(matches);
      if (found !== undefined) return found;
      if (this.#isOver) throw new Error(`the server ended; got ${this.received.map((message) => message.kind).join(', ')}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  async kind<K extends Message['kind']>(kind: K): Promise<Extract<Message, { kind: K }>> {
    return (await this.until((message) => message.kind === kind)) as Extract<Message, { kind: K }>;
  }

  bytes(type: 1 | 2): Buffer {
    return Buffer.concat(this.received.flatMap((m) => (m.kind === 'data' && m.type === type && m.data !== undefined ? [m.data] : [])));
  }

  text(type: 1 | 2 = 1): string {
    return this.bytes(type).toString();
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

export interface OpenParts extends Omit<Partial<Config>, 'exec'> {
  readonly exec?: Partial<ExecOptions>;
  /** A client without our extension. */
  readonly published?: boolean;
  readonly stdin?: boolean;
}

export function openOf(argv: readonly string[], { exec, published, stdin, ...config }: OpenParts = {}): Known {
  return {
    kind: 'open',
    capabilities: published === true ? [] : [1000],
    config: {
      options: { interactive: stdin ?? false, allocateTty: false, sendHeartbeat: false },
      cmdArgs: argv,
      envVars: [],
      ...config,
      ...(published === true ? {} : { exec: { deadlineMs: 0, killGraceMs: 0, maxOutputBytes: 0, unsetEnv: [], cleanEnv: false, ...exec } }),
    },
  };
}

export interface Served {
  readonly client: RawClient;
  readonly record: Promise<CommandRecord>;
  readonly server: CommandServer;
}

export interface TestOptions extends CommandServerOptions {
  readonly caller?: Caller;
}

/** Another connection to a server. */
export function join(server: CommandServer, caller: Caller = {}): RawClient {
  const [near, far] = duplexPair();
  void server.serve(far, caller);
  return new RawClient(near);
}

/** A server and a raw client at the two ends of a linked pair. */
export function serve({ caller, ...options }: TestOptions = {}): Served {
  const record = Promise.withResolvers<CommandRecord>();
  const server = new CommandServer({ environment: process.env, onRecord: record.resolve, ...options });
  return { client: join(server, caller), record: record.promise, server };
}

/** Runs one command to its end. */
export async function run(argv: readonly string[], parts: OpenParts = {}, options: TestOptions = {}): Promise<Served> {
  const served = serve(options);
  served.client.send(openOf(argv, parts));
  await served.client.ended;
  served.client.stream.end();
  return served;
}
