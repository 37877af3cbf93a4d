import type { ResolvedContext } from '@rstream/config';
import { productVersion, type RstreamError } from '@rstream/protocol';
import type { TunnelProperties } from '@rstream/protocol/tunnel';
import { forwardTo, keepConnected, type Connection, type Forward, type Listener, type RetryOptions } from '@rstream/tunnel-core';
import { engineTarget } from '../operator/engine-target.ts';
import { clientDetails } from '../operator/open.ts';

/** A change of a forward, with the keys that the published command line prints. */
export interface ForwardStatus {
  readonly version: string;
  readonly update?: string;
  readonly plan?: string;
  readonly provider?: string;
  readonly region?: string;
  /** `connecting`, `connected`, `online`, `disconnected`, `stopped`, `connection failed (…)`, `tunnel creation failed (…)`. */
  readonly status: string;
  readonly tunnel_id?: string;
  /** What visitors use: `https://host` or `rstrm://name (unpublished)`. */
  readonly forwarding?: string;
  /** The local service. */
  readonly forwarded: string;
  readonly error?: RstreamError;
  /** Milliseconds until the next attempt. */
  readonly retry_in_ms?: number;
}

/** A connection through a forward: one event when it opens and one when it ends. */
export interface ForwardConnection {
  readonly active: boolean;
  /** RFC 3339. */
  readonly date: string;
  readonly stream_id: string;
  readonly source_ip?: string;
  /** Why the service could not be reached. */
  readonly error?: RstreamError;
}

export interface ForwardOptions {
  readonly context: ResolvedContext;
  /** The local service. */
  readonly service?: { readonly host: string; readonly port: number };
  /** In place of a service: what this process itself serves, and what it is called. */
  readonly own?: { readonly name: string; readonly handler: Forward };
  readonly properties: TunnelProperties;
  /** False: the first failure is the last. */
  readonly retry?: RetryOptions | false;
  /** Aborting closes the tunnel and resolves without an error. */
  readonly signal: AbortSignal;
  /** How the relay's client list names this process. */
  readonly agent?: string;
  onStatus?(status: ForwardStatus): void;
  onConnection?(connection: ForwardConnection): void;
}

/**
 * Holds a tunnel to a local service open until the signal aborts, over reconnects. Resolves with the reason when it cannot go on, such
 * as `TUNNEL_CONFLICT`, `TUNNEL_REPLACED` or `FORBIDDEN`.
 */
export async function runForward(options: ForwardOptions): Promise<RstreamError | undefined> {
  const { context, service = { host: '127.0.0.1', port: 0 }, own, properties, signal, retry } = options;
  const forwarded = own?.name ?? `${service.host}:${service.port}`;
  const engine = await engineTarget(context);
  const connection = keepConnected({ engine, token: () => context.token, client: clientDetails(options.agent), retry });
  const handler =
    own?.handler ?? forwardTo({ ...service, tls: properties.upstream_tls ?? false, pool: isHttp(properties) }, connectionHooks(options));
  const listener = connection.listen(properties, handler);
  if (options.onStatus !== undefined) reportStatus(connection, listener, (status) => options.onStatus?.({ ...status, forwarded }));
  let closing: Promise<void> | undefined;
  const stop = (): void => {
    closing = listener.close();
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await listener.closed;
  } finally {
    signal.removeEventListener('abort', stop);
    handler.close();
    // The tunnel is given back first, so that the inventory does not show it as lost.
    await closing?.catch(() => {});
    await connection.close();
  }
}

/** Ready connections to the service are only of use, and only safe, where the client speaks first. */
function isHttp({ protocol, publish, type }: TunnelProperties): boolean {
  return protocol === 'http' || (protocol === undefined && publish !== false && type !== 'datagram');
}

function connectionHooks(options: ForwardOptions) {
  const report = (header: { stream_id: string; source_ip?: string | undefined }, active: boolean, error?: RstreamError): void => {
    const { stream_id, source_ip } = header;
    const date = new Date().toISOString();
    options.onConnection?.({
      active,
      date,
      stream_id,
      ...(source_ip === undefined ? {} : { source_ip }),
      ...(error === undefined ? {} : { error }),
    });
  };
  return {
    onOpen: (header: Parameters<typeof report>[0]) => {
      report(header, true);
    },
    onClose: ({ header }: { header: Parameters<typeof report>[0] }) => {
      report(header, false);
    },
    onRefused: (header: Parameters<typeof report>[0], error: RstreamError) => {
      report(header, false, error);
    },
  };
}

function reportStatus(connection: Connection, listener: Listener, report: (status: Omit<ForwardStatus, 'forwarded'>) => void): void {
  const base = () => {
    const { update, plan, provider, region } = connection.session?.server ?? {};
    return {
      version: productVersion,
      ...(update === undefined ? {} : { update }),
      ...(plan === undefined ? {} : { plan }),
      ...(provider === undefined ? {} : { provider }),
      ...(region === undefined ? {} : { region }),
    };
  };
  let wasConnected = false;
  connection.on('status', ({ state, error, retryInMs }) => {
    const failed = state === 'disconnected' && !wasConnected;
    wasConnected = state === 'connected';
    report({
      ...base(),
      status: failed ? `connection failed (${error?.message ?? 'unknown reason'})` : state,
      ...(error === undefined ? {} : { error }),
      ...(retryInMs === undefined ? {} : { retry_in_ms: retryInMs }),
    });
  });
  listener.on('status', ({ state, tunnel, forwarding, error }) => {
    if (state === 'offline' && error === undefined) return;
    report({
      ...base(),
      status: state === 'online' ? 'online' : `tunnel creation failed (${error?.message ?? state})`,
      ...(tunnel === undefined ? {} : { tunnel_id: tunnel.id }),
      ...(forwarding === undefined ? {} : { forwarding }),
      ...(error === undefined ? {} : { error }),
    });
  });
}
