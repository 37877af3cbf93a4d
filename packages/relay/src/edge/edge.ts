import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { RstreamError } from '@rstream/protocol';
import type { EffectiveLimits } from '../limits.ts';
import type { RelayLogger, RelayMetrics } from '../ports.ts';
import { errorAnswer, renderAnswer } from './answer.ts';
import { EdgeConnection, type EdgeContext } from './connection.ts';
import type { Gate, Visitor } from './gate.ts';
import type { RequestHead } from './head.ts';

export interface EdgeOptions {
  readonly gate: Gate;
  readonly limits: EffectiveLimits;
  readonly metrics: Partial<RelayMetrics>;
  readonly logger: RelayLogger;
  readonly secure: boolean;
  readonly isTrustedProxy: (ip: string) => boolean;
}

/** How one connection is taken over. */
export interface EdgeConnectionOptions {
  readonly onOther: (socket: Socket) => void;
  readonly firstBytes?: Buffer | undefined;
}

/** Every public connection of the relay: admission by count, one sweep for all deadlines, revocation, drain. */
export class Edge {
  readonly #options: EdgeOptions;
  readonly #connections = new Set<EdgeConnection>();
  readonly #perIp = new Map<string, number>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #idPrefix = randomBytes(4).toString('hex');
  #nextId = 0;
  #isDraining = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: EdgeOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.#sweep(), options.limits.sweepInterval);
    this.#sweeper.unref();
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Takes one connection over. Never throws. */
  accept(socket: Socket, options: EdgeConnectionOptions): void {
    const { limits, metrics } = this.#options;
    const ip = plainAddress(socket.remoteAddress);
    const count = this.#perIp.get(ip) ?? 0;
    const isFull = this.#connections.size >= limits.connections;
    if (isFull || (count >= limits.connectionsPerIp && !this.#options.isTrustedProxy(ip))) return turnAway(socket);
    this.#perIp.set(ip, count + 1);
    metrics.edgeConnectionOpened?.();
    const connection = new EdgeConnection(socket, this.#contextFor(options), this.#visitor(ip));
    this.#connections.add(connection);
    if (options.firstBytes !== undefined && options.firstBytes.length > 0) connection.feed(options.firstBytes);
  }

  /** Ends everything that runs on a credential. */
  revoke(credentialId: string): void {
    for (const connection of this.#connections) if (connection.credentialId === credentialId) connection.revoke();
  }

  /** Refuses new requests; resolves when the last connection is gone. */
  drain(): Promise<void> {
    this.#isDraining = true;
    for (const connection of this.#connections) connection.drain();
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  close(): void {
    this.#isDraining = true;
    clearInterval(this.#sweeper);
    for (const connection of this.#connections) connection.destroy();
  }

  #visitor(clientIp: string): Visitor {
    this.#nextId += 1;
    const connectionId = `${this.#idPrefix}${this.#nextId.toString(16).padStart(6, '0')}`;
    return { clientIp, proto: this.#options.secure ? 'https' : 'http', connectionId };
  }

  #contextFor(options: EdgeConnectionOptions): EdgeContext {
    const { gate, limits, metrics, logger } = this.#options;
    return {
      gate,
      limits,
      metrics,
      logger,
      isDraining: () => this.#isDraining,
      visitorOf: (head, direct) => this.#visitorOf(head, direct),
      onClosed: (connection) => this.#forget(connection),
      onOther: (socket, bytes) => {
        socket.pause();
        socket.unshift(bytes);
        options.onOther(socket);
        socket.resume();
      },
    };
  }

  /** Behind a trusted proxy: the last address of `x-forwarded-for` that is not itself a trusted proxy. */
  #visitorOf(head: RequestHead, direct: Visitor): Visitor {
    const { isTrustedProxy } = this.#options;
    if (!isTrustedProxy(direct.clientIp)) return direct;
    const valuesOf = (key: string): string[] =>
      head.fields.filter((field) => field.key === key).flatMap((field) => field.value.split(',').map((value) => value.trim()));
    const hops = valuesOf('x-forwarded-for').reverse();
    const proto = valuesOf('x-forwarded-proto').at(-1);
    return {
      ...direct,
      clientIp: plainAddress(hops.find((hop) => !isTrustedProxy(plainAddress(hop))) ?? direct.clientIp),
      proto: proto === 'https' || proto === 'http' ? proto : direct.proto,
    };
  }

  #forget(connection: EdgeConnection): void {
    if (!this.#connections.delete(connection)) return;
    const ip = connection.visitor.clientIp;
    const left = (this.#perIp.get(ip) ?? 1) - 1;
    if (left === 0) this.#perIp.delete(ip);
    else this.#perIp.set(ip, left);
    this.#options.metrics.edgeConnectionClosed?.();
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  #sweep(): void {
    const now = Date.now();
    for (const connection of this.#connections) connection.sweep(now);
  }
}

function turnAway(socket: Socket): void {
  socket.on('error', () => {});
  const error = new RstreamError('CAPACITY_EXHAUSTED', 'This relay has no room for another connection from you.', {
    next: 'Close idle connections or try again shortly.',
  });
  socket.end(renderAnswer(errorAnswer(error), undefined, '-'), () => socket.destroy());
}

/** IPv4 addresses that a dual-stack listener reports as IPv6. */
function plainAddress(address: string | undefined): string {
  const ip = address ?? '';
  return ip.startsWith('::ffff:') ? ip.slice(7) : ip;
}
