/**
 * Everything between a process and the relay: carriers, the multiplexed session on them, listen, dial, forward, splice.
 *
 * @example
 * ```ts
 * import { forwardTo, keepConnected } from '@rstream/tunnel-core';
 *
 * const connection = keepConnected({
 *   engine: 'f587ee53.rstream.localhost:8080',
 *   token: async () => (await readFile('token', 'utf8')).trim(),
 *   client: { agent: 'example', version: '1.0.0', protocol_version: '1.4.5' },
 * });
 * const listener = connection.listen({ name: 'web', protocol: 'http' }, forwardTo({ port: 3000, pool: true }));
 * listener.on('status', ({ state, forwarding }) => report(state, forwarding));
 * const stream = await connection.dial('web');
 * ```
 *
 * @module
 */
export { acceptWebSocket } from './carrier/accept-websocket.ts';
export { connectCarrier, type ConnectCarrierOptions } from './carrier/connect.ts';
export { connectHost, parseEngine, type CarrierTarget, type CarrierTls } from './carrier/engine.ts';
export { refuseCarrier, requestedCarrier, type CarrierKind } from './carrier/refuse.ts';
export { acceptUpgrade } from './carrier/upgrade.ts';
export { createBackoff, type Backoff, type RetryOptions } from './client/backoff.ts';
export { connect, type ConnectOptions } from './client/connect.ts';
export { Connection, keepConnected, type ConnectionEvents, type ConnectionStatus, type KeepConnectedOptions } from './client/connection.ts';
export { Listener, type ListenerEvents, type ListenerStatus } from './client/listener.ts';
export { ListeningTunnel, type StreamHandler } from './client/listening-tunnel.ts';
export { RelaySession, type RelaySessionEvents } from './client/relay-session.ts';
export { forwardTo, type Forward, type ForwardHooks, type ForwardSummary, type ForwardTarget } from './forward/forward.ts';
export { serviceDialer, type ServiceTarget, type ServiceTls } from './forward/service.ts';
export { WarmPool, type WarmPoolOptions } from './forward/warm-pool.ts';
export type { MuxOptions, MuxStream, Session } from './mux/contract.ts';
export { linkedPair } from './mux/linked-pair.ts';
export { createSession } from './mux/session.ts';
export { splice, type SpliceResult } from './splice.ts';
export { ControlChannel, type ControlChannelOptions } from './wire/control-channel.ts';
export { acceptStream, readAnswer, readOpenHeader, refuseStream, sendOpenHeader } from './wire/open.ts';
export { type Bound } from './bound.ts';
