import type { Duplex } from 'node:stream';
import type { MuxOptions, MuxStream, Session } from '../mux/contract.ts';
import { createSession } from '../mux/session.ts';

/** Makes two ends of one fresh carrier; `release` frees what made them (a listener, say) and does not close the ends. */
export type CarrierFactory = () => Promise<{ ends: [Duplex, Duplex]; release?: () => void | Promise<void> }>;

/** Two sessions over one carrier, with the streams that the server side was given. */
export interface SessionPair {
  readonly client: Session;
  readonly server: Session;
  readonly carriers: [Duplex, Duplex];
  /** The next stream that the server side accepts, in order. */
  readonly accepted: () => Promise<MuxStream>;
  /** Opens a stream and gives both of its ends. */
  readonly stream: () => Promise<[MuxStream, MuxStream]>;
  readonly release: () => Promise<void>;
}

export interface PairOptions {
  readonly client?: Partial<MuxOptions>;
  readonly server?: Partial<MuxOptions>;
}

/** Starts a client and a server session on the two ends of a carrier. */
export async function sessionPair(factory: CarrierFactory, options: PairOptions = {}): Promise<SessionPair> {
  const { ends, release } = await factory();
  const arrived: MuxStream[] = [];
  const waiting: Array<(stream: MuxStream) => void> = [];
  const onStream = (stream: MuxStream): void => {
    const next = waiting.shift();
    if (next === undefined) arrived.push(stream);
    else next(stream);
  };
  const client = createSession(ends[0], { role: 'client', ...options.client });
  const server = createSession(ends[1], { role: 'server', onStream, ...options.server });
  const accepted = async (): Promise<MuxStream> => {
    const stream = arrived.shift();
    return stream ?? (await new Promise<MuxStream>((resolve) => waiting.push(resolve)));
  };
  return {
    client,
    server,
    carriers: ends,
    accepted,
    stream: async () => {
      const opened = client.open();
      return [opened, await accepted()];
    },
    release: async () => {
      client.close();
      server.close();
      await Promise.all([client.closed, server.closed]);
      await release?.();
    },
  };
}
