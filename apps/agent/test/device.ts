import { duplexPair, type Duplex } from 'node:stream';
import { CommandServer, type Caller, type CommandRecord, type CommandServerOptions } from '@rstream/webtty-server';
import type { WebttyTransport } from '@rstream/webtty-client';
import { duplexTransport } from './duplex-transport.ts';

/** A device without a tunnel: its connections are linked pairs, and can be cut. */
export class Device {
  readonly records: CommandRecord[] = [];
  readonly server: CommandServer;
  readonly #links = new Set<Duplex>();
  /** False: no new connection can be made. */
  reachable = true;
  connections = 0;

  constructor(options: CommandServerOptions = {}) {
    this.server = new CommandServer({
      environment: process.env,
      policy: { terminal: true },
      onRecord: (record) => this.records.push(record),
      ...options,
    });
  }

  /** A new connection. */
  connect(caller: Caller = {}): WebttyTransport {
    const [near, far] = duplexPair();
    this.#links.add(near);
    near.once('close', () => this.#links.delete(near));
    near.on('error', () => undefined);
    far.on('error', () => undefined);
    this.connections += 1;
    void this.server.serve(far, caller);
    return duplexTransport(near);
  }

  /** For `reconnect`. */
  readonly reconnect = (): Promise<WebttyTransport> =>
    this.reachable ? Promise.resolve(this.connect()) : Promise.reject(new Error('unreachable'));

  /** Every connection fails at once, at both ends. */
  cut(): void {
    for (const link of this.#links) link.destroy(new Error('the network failed'));
  }
}
