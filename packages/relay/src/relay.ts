import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Inventory } from './inventory.ts';
import type { Authority, Grant, Projects, RelayLogger, RelayMetrics } from './ports.ts';

export interface RelayOptions {
  readonly authority: Authority;
  readonly projects: Projects;
  /** Public authority of the control plane, e.g. `rstream.localhost:8080`; the port is part of the addresses that users see. */
  readonly baseHost: string;
  /** True when the public listener speaks TLS: decides `https://`, `Secure` cookies and `x-forwarded-proto`. */
  readonly secure: boolean;
  readonly logger?: RelayLogger | undefined;
  readonly metrics?: Partial<RelayMetrics> | undefined;
  /** Overrides of `relayLimits` and `edgeLimits` by name. */
  readonly limits?: Readonly<Record<string, number>> | undefined;
  /** Peers whose `x-forwarded-for` and `x-forwarded-proto` are believed. Default: none. */
  readonly isTrustedProxy?: ((ip: string) => boolean) | undefined;
}

export interface ConnectionOptions {
  /**
   * Called once when the first request of the connection is not for a published tunnel. All bytes read so far have been pushed
   * back into the socket, so `httpServer.emit('connection', socket)` is all that is left to do.
   */
  readonly onOther: (socket: Socket) => void;
  /** Bytes of the connection that were read already. */
  readonly firstBytes?: Buffer | undefined;
}

export interface CarrierIdentity {
  readonly grant: Grant;
  readonly remoteAddress: string;
}

/** Counts of this moment. */
export interface RelayStats {
  readonly clients: number;
  readonly tunnels: number;
  readonly edgeConnections: number;
}

export interface Relay {
  /** Takes over one raw (or TLS) connection of the public listener. Never throws. */
  handleConnection(socket: Socket, options: ConnectionOptions): void;
  /** Starts the session of a client whose carrier was authenticated and accepted. Never throws; a refusal ends the session with a code. */
  admitCarrier(carrier: Duplex, identity: CarrierIdentity): void;
  readonly inventory: Inventory;
  stats(): RelayStats;
  /** Stops admitting, tells every client, waits for running work up to the deadline, then closes. */
  drain(deadlineMs: number): Promise<void>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

export function createRelay(_options: RelayOptions): Relay {
  throw new Error('not built yet');
}
