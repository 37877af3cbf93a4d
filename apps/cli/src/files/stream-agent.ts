import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';

/** Opens a stream to the device. */
export type OpenStream = (signal?: AbortSignal) => Promise<Duplex>;

/** What `node:http` expects of a socket beyond a Duplex. */
type SocketLike = Duplex & { setKeepAlive?: unknown; setTimeout?: unknown; setNoDelay?: unknown; ref?: unknown; unref?: unknown };

const self = function (this: unknown): unknown {
  return this;
};

/** A stream has no kernel socket behind it: these settings mean nothing to it. */
function asSocket(stream: Duplex): Duplex {
  const socket: SocketLike = stream;
  for (const name of ['setKeepAlive', 'setTimeout', 'setNoDelay', 'ref', 'unref'] as const) socket[name] ??= self;
  return stream;
}

/** Connections of `node:http` over streams that are opened when they are needed and kept for the next request. */
export class StreamAgent extends Agent {
  readonly #open: OpenStream;

  constructor(open: OpenStream, connections: number) {
    super({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections, scheduling: 'lifo' });
    this.#open = open;
  }

  override createConnection(_options: unknown, callback?: (error: Error | null, stream: Duplex) => void): undefined {
    void this.#connect(callback ?? (() => {}));
  }

  async #connect(done: (error: Error | null, stream: Duplex) => void): Promise<void> {
    let stream: Duplex;
    try {
      stream = asSocket(await this.#open());
    } catch (error) {
      // The agent looks at the error alone.
      (done as (error: unknown) => void)(error);
      return;
    }
    done(null, stream);
  }
}
