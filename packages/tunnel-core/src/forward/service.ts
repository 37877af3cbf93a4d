import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { RstreamError } from '@rstream/protocol';
import { carrierLimits } from '@rstream/protocol/limits';
import { armBound } from '../bound.ts';

/** TLS towards the local service. The certificate is verified unless `rejectUnauthorized` is false. */
export interface ServiceTls {
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** The service behind a tunnel, reached from this machine. */
export interface ServiceTarget {
  /** Default 127.0.0.1. `localhost` means either loopback family, because development servers choose one or the other. */
  readonly host?: string | undefined;
  readonly port: number;
  readonly tls?: boolean | ServiceTls | undefined;
}

/**
 * A function that connects to the service. A connection is half-open capable and without Nagle delay. Rejects with
 * `UPSTREAM_UNREACHABLE` naming host and port, after `carrier.serviceTimeout` at the latest.
 */
export function serviceDialer(target: ServiceTarget): (signal?: AbortSignal) => Promise<Duplex> {
  const name = `${target.host ?? '127.0.0.1'}:${target.port}`;
  const hosts = target.host === 'localhost' ? ['127.0.0.1', '::1'] : [target.host ?? '127.0.0.1'];
  return async (signal) => {
    for (const [index, host] of hosts.entries()) {
      try {
        const socket = await connectOnce(host, target, signal);
        if (index > 0) hosts.reverse();
        return socket;
      } catch (cause) {
        const last = index === hosts.length - 1;
        if (last || (cause as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw unreachable(name, cause);
      }
    }
    throw unreachable(name, undefined);
  };
}

function connectOnce(host: string, target: ServiceTarget, signal: AbortSignal | undefined): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const options = { host, port: target.port, allowHalfOpen: true, noDelay: true };
    const tls = target.tls === true ? {} : target.tls;
    const socket: Socket = tls
      ? connectTls({ ...options, ALPNProtocols: ['http/1.1'], ...(tls as ConnectionOptions) })
      : connectTcp(options);
    const bound = { signal, timeout: carrierLimits.serviceTimeout.default };
    const disarm = armBound(bound, `Connecting to ${host}:${target.port}`, (error) => socket.destroy(error));
    const onError = (error: Error): void => {
      disarm();
      reject(error);
    };
    socket.once('error', onError);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      disarm();
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

function unreachable(name: string, cause: unknown): RstreamError {
  if (RstreamError.is(cause) && cause.code === 'ERR_RSTREAM_ABORTED') return cause;
  const { code, message } = (cause ?? {}) as NodeJS.ErrnoException;
  return new RstreamError('UPSTREAM_UNREACHABLE', `Nothing could be reached at ${name}: ${code ?? message ?? 'unknown reason'}.`, {
    cause,
  });
}
