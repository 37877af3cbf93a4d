import { randomBytes } from 'node:crypto';
import { sendOpenHeader, splice, type MuxStream } from '@rstream/tunnel-core';
import { RstreamError, toRstreamError } from '@rstream/protocol';
import type { OpenHeader } from '@rstream/protocol/wire';
import type { Inflight } from './inflight.ts';
import type { EffectiveLimits } from './limits.ts';
import type { Grant, RelayMetrics } from './ports.ts';
import type { Registry } from './registry.ts';

export interface DialContext {
  readonly registry: Registry;
  /** The dialling side's. */
  readonly grant: Grant;
  readonly limits: EffectiveLimits;
  readonly metrics: Partial<RelayMetrics>;
  readonly remoteAddress: string;
  /** Joined streams, for a drain. */
  readonly dials: Inflight;
}

/**
 * Joins a private stream to the tunnel that it names. The owner's answer byte passes through to the dialling side like every other byte.
 *
 * @throws RstreamError `TUNNEL_NOT_FOUND`, `TUNNEL_OFFLINE`, `FORBIDDEN`, `CAPACITY_EXHAUSTED`, before anything was joined
 */
export function joinDial(stream: MuxStream, header: Extract<OpenHeader, { kind: 'dial' }>, context: DialContext): void {
  try {
    join(stream, header, context);
    context.metrics.dial?.('OK');
  } catch (error) {
    context.metrics.dial?.(toRstreamError(error).code);
    throw error;
  }
}

function join(
  stream: MuxStream,
  { target }: Extract<OpenHeader, { kind: 'dial' }>,
  { registry, grant, limits, remoteAddress, dials }: DialContext,
): void {
  const tunnel = registry.resolve(grant.project, target);
  if (tunnel === undefined) throw new RstreamError('TUNNEL_NOT_FOUND', `No tunnel of this project is called "${target}".`);
  // A byte stream has no path that anyone could hold it to, whatever path the dialling side names: a token that is limited to one opens none.
  const decision = grant.allows({ type: 'tunnel.connect', project: grant.project, tunnel: { ...tunnel.record } });
  if (!decision.allowed) throw decision.error;
  if (!tunnel.live) throw new RstreamError('TUNNEL_OFFLINE');
  if (tunnel.streams >= limits.streamsPerTunnel)
    throw new RstreamError('CAPACITY_EXHAUSTED', `This tunnel carries ${tunnel.streams} connections, its limit.`);
  const owner = openOn(() => tunnel.holder.openStream());
  tunnel.streams += 1;
  owner.once('close', () => (tunnel.streams -= 1));
  sendOpenHeader(owner, {
    kind: 'tunnel',
    tunnel_id: tunnel.id,
    stream_id: randomBytes(12).toString('hex'),
    via: 'dial',
    source_ip: remoteAddress,
    user_id: grant.userId,
    credential_id: grant.credentialId,
  });
  void dials.track(splice(stream, owner));
}

function openOn(open: () => MuxStream): MuxStream {
  try {
    return open();
  } catch (cause) {
    const error = toRstreamError(cause);
    if (error.code !== 'ERR_RSTREAM_SESSION_CLOSED') throw error;
    throw new RstreamError('SESSION_LOST', undefined, { cause });
  }
}
