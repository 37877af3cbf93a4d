import type { Duplex } from 'node:stream';
import { carrierLimits } from '@rstream/protocol/limits';
import type { Bound } from '../bound.ts';
import type { CarrierTarget } from './engine.ts';
import { isForeignAnswer, type Handshake } from './handshake.ts';
import type { CarrierKind } from './refuse.ts';
import { connectUpgrade } from './upgrade.ts';

export interface ConnectCarrierOptions {
  /** Bearer credential; visible ASCII. */
  readonly token: string;
  /** `auto` (the default): `upgrade`, then `websocket` when something on the way refuses the upgrade. */
  readonly carrier?: CarrierKind | 'auto' | undefined;
  /** Extra request headers. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for each attempt; default `carrier.connectTimeout`. */
  readonly timeout?: number | undefined;
}

/** Engines that were reached by the fallback only, with the time until which that is believed. */
const fallbacks = new Map<string, number>();

/**
 * Opens a carrier to the relay. A refusal of the relay itself is final and thrown as its own error (`UNAUTHORIZED`,
 * `FORBIDDEN`, `SERVICE_UNAVAILABLE` …). With `auto`, only an answer that is not the relay's leads to the websocket; the
 * choice is remembered for `carrier.fallbackMemory`, after which the better carrier is tried first again.
 */
export async function connectCarrier(target: CarrierTarget, options: ConnectCarrierOptions): Promise<Duplex> {
  const handshake: Handshake = { target, token: options.token, headers: options.headers };
  const bound: Bound = { signal: options.signal, timeout: options.timeout ?? carrierLimits.connectTimeout.default };
  const kind = options.carrier ?? 'auto';
  if (kind === 'websocket') return openWebSocket(handshake, bound);
  if (kind === 'upgrade') return connectUpgrade(handshake, bound);
  return connectAuto(handshake, bound);
}

async function connectAuto(handshake: Handshake, bound: Bound): Promise<Duplex> {
  const { host, port, serverName } = handshake.target;
  const key = `${host}:${port} ${serverName}`;
  if ((fallbacks.get(key) ?? 0) > Date.now()) {
    try {
      return await openWebSocket(handshake, bound);
    } catch (error) {
      if (!isForeignAnswer(error)) throw error;
      fallbacks.delete(key);
    }
  }
  try {
    return await connectUpgrade(handshake, bound);
  } catch (refusal) {
    if (!isForeignAnswer(refusal)) throw refusal;
    const carrier = await openWebSocket(handshake, bound);
    // A mere hang-up may as well have been a relay that restarts: not worth remembering.
    if (refusal.details !== undefined) rememberFallback(key);
    return carrier;
  }
}

function rememberFallback(key: string): void {
  const [oldest] = fallbacks.keys();
  if (fallbacks.size >= carrierLimits.fallbackTargets.default && oldest !== undefined) fallbacks.delete(oldest);
  fallbacks.set(key, Date.now() + carrierLimits.fallbackMemory.default);
}

/** Loaded only where it is needed: most sessions never load the websocket code. */
async function openWebSocket(handshake: Handshake, bound: Bound): Promise<Duplex> {
  const { connectWebSocket } = await import('./websocket.ts');
  return connectWebSocket(handshake, bound);
}
