import { resolveContext, type ContextFlags, type ResolvedContext } from '@rstream/config';
import { RstreamError } from '@rstream/protocol';
import { forwardTo, keepConnected, type Connection, type Listener, type ListenerStatus } from '@rstream/tunnel-core';
import { engineTarget } from '../../operator/engine-target.ts';
import { clientDetails } from '../../operator/open.ts';
import { inProject } from '../ports/project.ts';
import type { LeaseOrder } from './entry.ts';
import type { LeaseLog } from './log.ts';

/** The tunnel of a lease, and the connection it lives on. */
export interface HeldTunnel {
  readonly connection: Connection;
  readonly listener: Listener;
}

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

/** Starts to connect and listen. The credential is read again for each attempt, so a rotated one is picked up. */
export async function holdTunnel(order: LeaseOrder, log: LeaseLog): Promise<HeldTunnel> {
  const context = async (): Promise<ResolvedContext> => {
    const flags = definedFlags(order.flags);
    return await inProject(await resolveContext({ flags }), order.project, flags);
  };
  const connection = keepConnected({
    engine: await engineTarget(await context()),
    token: async () => (await context()).token,
    client: clientDetails('rstream-mcp'),
  });
  connection.on('status', ({ state, error }) => log(state, error === undefined ? {} : { code: error.code, message: error.message }));
  const forward = forwardTo(serviceOf(order), {
    onRefused: (header, error) => log('refused', { stream_id: header.stream_id, code: error.code, message: error.message }),
  });
  const listener = connection.listen(order.properties, forward);
  listener.on('status', ({ state, tunnel, error }) => log(`tunnel ${state}`, { tunnel_id: tunnel?.id, code: error?.code }));
  void listener.closed.then(() => forward.close());
  return { connection, listener };
}

function serviceOf({ host, port, properties }: LeaseOrder) {
  // A certificate for a loopback name cannot be issued by anyone, so there is nothing to verify there.
  const tls = properties.upstream_tls === true ? { rejectUnauthorized: !loopbackHosts.has(host) } : false;
  return { host, port, tls, pool: properties.protocol === 'http' };
}

/**
 * The first time that the tunnel is online. A caller is waiting for it, so a lost or refused first attempt is a failure here,
 * although the connection would go on trying.
 */
export async function firstOnline({ connection, listener }: HeldTunnel): Promise<ListenerStatus> {
  const { promise, resolve, reject } = Promise.withResolvers<ListenerStatus>();
  const onListener = (status: ListenerStatus) => {
    if (status.state === 'online') resolve(status);
    else if (status.error !== undefined) reject(status.error);
  };
  const onConnection = ({ state, error }: Connection['status']) => {
    if (state === 'disconnected' || state === 'stopped') reject(error ?? new RstreamError('ERR_RSTREAM_CONNECT_FAILED'));
  };
  listener.on('status', onListener);
  connection.on('status', onConnection);
  try {
    return await promise;
  } finally {
    listener.off('status', onListener);
    connection.off('status', onConnection);
  }
}

/** Gives the tunnel back before the session ends: a lost session would leave it in the inventory for a while. */
export async function release({ connection, listener }: HeldTunnel): Promise<void> {
  await listener.close();
  await connection.close();
}

function definedFlags(flags: LeaseOrder['flags']): ContextFlags {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}
