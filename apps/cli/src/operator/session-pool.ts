import type { Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import type { RelaySession } from '@rstream/tunnel-core';
import type { DialOptions } from './operator.ts';

export interface SessionPoolOptions {
  /** Opens a session; the signal ends the attempt. */
  connect(signal: AbortSignal): Promise<RelaySession>;
  /** Milliseconds without a stream after which the session is closed. */
  readonly idleMs: number;
}

/** One session with the relay for all who dial: opened when it is needed, opened again after a loss, closed when idle. */
export class SessionPool {
  readonly #options: SessionPoolOptions;
  readonly #sessions = new Set<RelaySession>();
  #current: Promise<RelaySession> | undefined;
  #stop = new AbortController();
  #users = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(options: SessionPoolOptions) {
    this.#options = options;
  }

  /** Opens a stream to a tunnel. A session that turns out to be dead is replaced once: nothing was sent to the tunnel yet. */
  async dial(target: string, options: DialOptions = {}): Promise<Duplex> {
    this.#enter();
    try {
      const stream = await this.#dialTwice(target, options);
      this.#enter();
      stream.once('close', () => {
        this.#leave();
      });
      return stream;
    } finally {
      this.#leave();
    }
  }

  /** Ends every session and stream. */
  async close(): Promise<void> {
    clearTimeout(this.#idleTimer);
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#current = undefined;
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  async #dialTwice(target: string, options: DialOptions): Promise<Duplex> {
    try {
      return await this.#dialOnce(target, options);
    } catch (error) {
      if (!(error instanceof StaleSession)) throw error;
    }
    return this.#dialOnce(target, options).catch((error: unknown) => {
      throw error instanceof StaleSession ? error.cause : error;
    });
  }

  async #dialOnce(target: string, options: DialOptions): Promise<Duplex> {
    const session = await unlessAborted(this.#session(), options.signal);
    try {
      return await session.dial(target, options);
    } catch (error) {
      if (session.session.isClosed || session.session.isDraining) {
        this.#forget();
        throw RstreamError.is(error) && error.code === 'ERR_RSTREAM_ABORTED' ? error : new StaleSession(error);
      }
      throw error;
    }
  }

  /** Everyone who dials shares one attempt; who gives up does not end it for the others. */
  #session(): Promise<RelaySession> {
    this.#current ??= this.#open();
    return this.#current;
  }

  async #open(): Promise<RelaySession> {
    try {
      const session = await this.#options.connect(this.#stop.signal);
      this.#sessions.add(session);
      const mine = this.#current;
      const forget = (): void => {
        if (this.#current === mine) this.#forget();
      };
      session.once('drain', forget);
      void session.closed.then(() => {
        this.#sessions.delete(session);
        forget();
      });
      return session;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  #forget(): void {
    this.#current = undefined;
  }

  #enter(): void {
    this.#users += 1;
    clearTimeout(this.#idleTimer);
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#idleTimer = setTimeout(() => {
      void this.close();
    }, this.#options.idleMs).unref();
  }
}

/** The session died under a dial; `cause` is what the dial reported. */
class StaleSession extends Error {
  constructor(cause: unknown) {
    super('The session was closed.', { cause });
  }
}

async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return work;
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(new RstreamError('ERR_RSTREAM_ABORTED'));
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}
