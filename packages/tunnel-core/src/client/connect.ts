import { randomUUID } from 'node:crypto';
import { RstreamError } from '@rstream/protocol';
import { carrierLimits } from '@rstream/protocol/limits';
import type { ClientDetails } from '@rstream/protocol/tunnel';
import { within } from '../bound.ts';
import { connectCarrier } from '../carrier/connect.ts';
import { parseEngine, type CarrierTarget, type CarrierTls } from '../carrier/engine.ts';
import type { CarrierKind } from '../carrier/refuse.ts';
import type { MuxOptions } from '../mux/contract.ts';
import { createSession } from '../mux/session.ts';
import { RelaySession } from './relay-session.ts';

export interface ConnectOptions {
  /** `HOST:PORT`, an http(s) URL, or a target made by hand. */
  readonly engine: string | CarrierTarget;
  /** Bearer credential, or where to get a fresh one for each attempt. White space around it is dropped. */
  readonly token: string | (() => string | Promise<string>);
  /** Default `auto`: `upgrade`, with `websocket` as the fallback. */
  readonly carrier?: 'auto' | CarrierKind | undefined;
  /** What this program says of itself. */
  readonly client: ClientDetails;
  /** Stable for one running process; default random. */
  readonly instanceId?: string | undefined;
  /** Grows with every connection of one process; default 0. */
  readonly generation?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Overrides the TLS settings of the engine address. */
  readonly tls?: boolean | CarrierTls | undefined;
  readonly mux?: Partial<MuxOptions> | undefined;
}

/**
 * Opens a session with the relay: carrier, multiplexer, hello and welcome. Rejects with the relay's own error
 * (`UNAUTHORIZED`, `FORBIDDEN`, `PROTOCOL_VERSION_INCOMPATIBLE`, `SERVICE_UNAVAILABLE` …), `ERR_RSTREAM_CONNECT_FAILED`,
 * `ERR_RSTREAM_TIMEOUT` or `ERR_RSTREAM_ABORTED`; nothing stays open then. The signal ends the attempt, not the session.
 */
export async function connect(options: ConnectOptions): Promise<RelaySession> {
  const { signal } = options;
  const target = targetOf(options);
  const timeout = carrierLimits.connectTimeout.default;
  const token = await within(readToken(options.token), { signal, timeout }, 'Getting a token');
  const carrier = await connectCarrier(target, { token, carrier: options.carrier, signal });
  let relay: RelaySession | undefined;
  const session = createSession(carrier, { ...options.mux, role: 'client', onStream: (stream) => relay?.onStream(stream) });
  relay = new RelaySession(session, {
    type: 'hello',
    client: options.client,
    instance_id: options.instanceId ?? randomUUID(),
    generation: options.generation ?? 0,
  });
  try {
    await within(relay.welcomed, { signal, timeout: carrierLimits.helloTimeout.default }, `The welcome of ${target.serverName}`);
    return relay;
  } catch (error) {
    session.close(RstreamError.is(error) ? error : undefined);
    throw error;
  }
}

function targetOf({ engine, tls }: ConnectOptions): CarrierTarget {
  const target = typeof engine === 'string' ? parseEngine(engine) : engine;
  return tls === undefined ? target : { ...target, tls };
}

/** A token that was read from a file may end with a newline. */
async function readToken(source: ConnectOptions['token']): Promise<string> {
  const token = typeof source === 'string' ? source : await source();
  return token.trim();
}
