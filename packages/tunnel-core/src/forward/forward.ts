import type { Duplex } from 'node:stream';
import { toRstreamError, type RstreamError } from '@rstream/protocol';
import type { TunnelOpenHeader } from '@rstream/protocol/wire';
import type { StreamHandler } from '../client/listening-tunnel.ts';
import { splice } from '../splice.ts';
import { serviceDialer, type ServiceTarget } from './service.ts';
import { WarmPool, type WarmPoolOptions } from './warm-pool.ts';

export interface ForwardTarget extends ServiceTarget {
  /** Keep connections ready (see `WarmPool`). For HTTP services only; default off. */
  readonly pool?: boolean | WarmPoolOptions | undefined;
}

/** What happened to one forwarded stream. */
export interface ForwardSummary {
  readonly header: TunnelOpenHeader;
  /** Bytes from the visitor to the service. */
  readonly bytesIn: number;
  /** Bytes from the service to the visitor. */
  readonly bytesOut: number;
  readonly durationMs: number;
  readonly error?: Error | undefined;
}

export interface ForwardHooks {
  /** A stream was connected to the service. */
  readonly onOpen?: ((header: TunnelOpenHeader) => void) | undefined;
  /** It ended. */
  readonly onClose?: ((summary: ForwardSummary) => void) | undefined;
  /** The service could not be reached; the visitor was told so. */
  readonly onRefused?: ((header: TunnelOpenHeader, error: RstreamError) => void) | undefined;
}

/** A stream handler with a pool behind it; `close` drops the ready connections, running streams go on. */
export interface Forward extends StreamHandler {
  close(): void;
}

/**
 * A handler for `listen` that connects every stream to a service of this machine. A service that cannot be reached refuses
 * the stream with `UPSTREAM_UNREACHABLE`, naming host and port.
 */
export function forwardTo(target: ForwardTarget, hooks: ForwardHooks = {}): Forward {
  const dial = serviceDialer(target);
  const pool = target.pool ? new WarmPool(dial, target.pool === true ? {} : target.pool) : undefined;
  const handle: StreamHandler = (stream, header, accept, refuse) => {
    const run = async (): Promise<void> => {
      const started = performance.now();
      const service = pool?.take() ?? (await dialFor(stream, dial));
      accept();
      hooks.onOpen?.(header);
      const { aToB, bToA, error } = await splice(stream, service);
      hooks.onClose?.({ header, bytesIn: aToB, bytesOut: bToA, durationMs: performance.now() - started, error });
    };
    run().catch((cause: unknown) => {
      const error = toRstreamError(cause, 'UPSTREAM_UNREACHABLE');
      refuse(error);
      hooks.onRefused?.(header, error);
    });
  };
  return Object.assign(handle, { close: () => pool?.close() });
}

/** Gives up the connection attempt when the visitor leaves first. */
async function dialFor(stream: Duplex, dial: (signal?: AbortSignal) => Promise<Duplex>): Promise<Duplex> {
  const left = new AbortController();
  const onClose = (): void => left.abort();
  stream.once('close', onClose);
  try {
    return await dial(left.signal);
  } finally {
    stream.off('close', onClose);
  }
}
