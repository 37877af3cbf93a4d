import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { RstreamError } from '@rstream/protocol';
import { Edge } from './edge/edge.ts';
import { Gate } from './edge/gate.ts';
import { hostPlan } from './hostnames.ts';
import { Inflight } from './inflight.ts';
import { createInventory, type Inventory } from './inventory.ts';
import { effectiveLimits } from './limits.ts';
import type { Authority, Grant, Projects, RelayLogger, RelayMetrics } from './ports.ts';
import { Registry } from './registry.ts';
import { ClientSession, type SessionContext } from './session.ts';

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

const silent: RelayLogger = { debug() {}, info() {}, warn() {}, error() {} };

/** Builds a relay. It listens on nothing by itself: the host gives it connections and carriers. */
export function createRelay(options: RelayOptions): Relay {
  const { authority, projects, metrics = {}, logger = silent } = options;
  const limits = effectiveLimits(options.limits);
  const hosts = hostPlan(options.baseHost, options.secure);
  const registry = new Registry(limits);
  const inventory = createInventory(registry, limits);
  const gate = new Gate({ authority, projects, registry, hosts });
  const edge = new Edge({ gate, limits, metrics, logger, secure: options.secure, isTrustedProxy: options.isTrustedProxy ?? (() => false) });
  const sessions = new Set<ClientSession>();
  const dials = new Inflight();
  const context: SessionContext = { registry, hosts, limits, logger, metrics, dials, onClosed: (session) => sessions.delete(session) };
  let isDraining = false;

  const unsubscribe = authority.onRevoked((credentialId) => {
    edge.revoke(credentialId);
    inventory.revoke(credentialId);
    for (const session of sessions)
      if (session.credentialId === credentialId) session.end(new RstreamError('UNAUTHORIZED', 'The token was revoked.'));
  });
  const sweeper = setInterval(() => {
    const now = Date.now();
    registry.expire(now);
    inventory.sweep(now);
    for (const session of sessions) session.sweep(now);
  }, limits.sweepInterval);
  sweeper.unref();

  async function close(): Promise<void> {
    isDraining = true;
    clearInterval(sweeper);
    unsubscribe();
    inventory.close();
    edge.close();
    for (const session of sessions) session.close();
  }

  return {
    inventory,
    stats: () => ({ clients: registry.clientCount, tunnels: registry.tunnelCount, edgeConnections: edge.size }),
    handleConnection: (socket, connection) => edge.accept(socket, connection),
    admitCarrier(carrier, identity) {
      const session = new ClientSession(carrier, identity, context);
      sessions.add(session);
      if (isDraining) session.end(new RstreamError('SERVICE_UNAVAILABLE'));
    },
    async drain(deadlineMs) {
      isDraining = true;
      const emptied = edge.drain();
      for (const session of sessions) session.drain();
      // Two turns of the event loop: one writes the notice, one the go-away.
      await nextTurn();
      await nextTurn();
      await Promise.race([Promise.all([emptied, dials.idle()]), delay(deadlineMs, undefined, { ref: false })]);
      await close();
    },
    close,
  };
}
