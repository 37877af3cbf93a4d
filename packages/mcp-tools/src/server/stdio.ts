import { Transform, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { mcpLimits } from '@rstream/protocol/limits';
import type { McpToolServer } from './create.ts';

type Message = Parameters<StdioServerTransport['send']>[0];

/** The one request that stays open for as long as its connection. */
const subscription = 'subscriptions/listen';

export interface StdioOptions {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly onError?: (error: Error) => void;
  /** How long answers may still be sent after the client closed its end, in ms. */
  readonly drainMs?: number;
}

/** A connection over a pair of streams. */
export interface StdioConnection {
  /** Resolves when the client is gone, or after `close`. */
  readonly closed: Promise<void>;
  /** Ends it at once: running calls are aborted. */
  close(): Promise<void>;
}

/** Knows which requests are unanswered, so that the end of input need not cut off their answers. */
class CountingTransport extends StdioServerTransport {
  readonly closed = Promise.withResolvers<void>();
  readonly #open = new Set<unknown>();
  readonly #waiters = new Set<() => void>();

  override async start(): Promise<void> {
    const deliver = this.onmessage;
    this.onmessage = (message) => {
      if ('method' in message && 'id' in message && message.method !== subscription) this.#open.add(message.id);
      if ('method' in message && message.method === 'notifications/cancelled') this.#settle(message.params?.['requestId']);
      deliver?.(message);
    };
    await super.start();
  }

  override async send(message: Message): Promise<void> {
    await super.send(message).finally(() => {
      if (!('method' in message)) this.#settle(message.id);
    });
  }

  override async close(): Promise<void> {
    await super.close();
    this.closed.resolve();
  }

  /** Calls back when every request is answered, at the latest after `ms`. */
  whenAnswered(ms: number, callback: () => void): void {
    const finish = () => {
      clearTimeout(timer);
      if (this.#waiters.delete(finish)) callback();
    };
    const timer = setTimeout(finish, ms);
    this.#waiters.add(finish);
    if (this.#open.size === 0) finish();
  }

  #settle(id: unknown): void {
    this.#open.delete(id);
    if (this.#open.size === 0) for (const finish of this.#waiters) finish();
  }
}

/**
 * Serves MCP on a pair of streams in both protocol eras: the 2026-07-28 revision and the 2025 handshake line. A message longer
 * than `mcpLimits.messageBytes` ends the connection; garbage between messages is skipped.
 */
export function serveOverStdio(server: McpToolServer, options: StdioOptions): StdioConnection {
  const drainMs = options.drainMs ?? mcpLimits.shutdown.default / 2;
  const input = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: (done) => {
      // One turn of the event loop lets the last messages reach the transport before the unanswered ones are counted.
      setImmediate(() => transport.whenAnswered(drainMs, done));
    },
  });
  const transport = new CountingTransport(input, options.stdout, { maxBufferSize: mcpLimits.messageBytes.default });
  const handle = serveStdio(server.connection, { transport, ...(options.onError === undefined ? {} : { onerror: options.onError }) });
  pipeline(options.stdin, input).catch(() => void handle.close());
  return { closed: transport.closed.promise, close: () => handle.close() };
}
