/**
 * The public side of tunnels: sessions of clients, the tunnel registry, the HTTP edge and private dialling.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { createServer as createListener } from 'node:net';
 * import { createRelay, type Authority, type Projects } from '@rstream/relay';
 *
 * export function serve(authority: Authority, projects: Projects) {
 *   const relay = createRelay({ authority, projects, baseHost: 'rstream.localhost:8080', secure: false });
 *   const control = createServer((_req, res) => res.end('control plane'));
 *   return createListener((socket) => {
 *     relay.handleConnection(socket, { onOther: (other) => control.emit('connection', other) });
 *   }).listen(8080, '127.0.0.1');
 * }
 * ```
 *
 * @module
 */
export type { Inventory, ListParams } from './inventory.ts';
export type { Action, Authority, Decision, Grant, ProjectRef, Projects, RelayLogger, RelayMetrics } from './ports.ts';
export { createRelay, type CarrierIdentity, type ConnectionOptions, type Relay, type RelayOptions, type RelayStats } from './relay.ts';
