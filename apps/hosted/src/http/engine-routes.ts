import * as z from 'zod';
import { limits, RstreamError } from '@rstream/protocol';
import type { Action } from '@rstream/protocol/claims';
import { Client, ClientListParams, EngineEvent, Tunnel, TunnelListParams, WatchParams } from '@rstream/protocol/tunnel';
import { grantIn } from '../access.ts';
import { assertAllowed } from './authenticate.ts';
import { createToken } from './control-routes.ts';
import { eventStream } from './event-stream.ts';
import { type EngineContext, engineRoute, jsonParameter, type Route } from './route.ts';

const maxParams = limits.control.paramsBytes.default;
const readInventory = {
  kind: 'permission',
  permission: 'tunnels.resources.read-only',
  action: ({ project }: EngineContext<unknown, unknown>): Action => ({ type: 'tunnel.list', project }),
} as const;

export const WatchQuery = z.object({ params: jsonParameter(WatchParams, maxParams).optional() });

const checkToken = engineRoute({
  method: 'GET',
  path: '/api/auth',
  operationId: 'checkToken',
  summary: 'Succeeds when the credential is valid for this engine.',
  access: { kind: 'credential' },
  response: z.object({ status: z.literal('ok') }),
  run({ principal, project }) {
    // A credential is valid here when it may do anything here; one of another project is not.
    const session = principal.allows({ type: 'session.open', project });
    if (!principal.allows({ type: 'tunnel.list', project }).allowed) assertAllowed(session);
    return { status: 'ok' };
  },
});

const listClients = engineRoute({
  method: 'GET',
  path: '/api/clients',
  operationId: 'listClients',
  summary: 'Connected clients of the project.',
  access: readInventory,
  query: z.object({ params: jsonParameter(ClientListParams, maxParams).optional() }),
  response: z.array(Client),
  run: ({ services, principal, project, query }) => services.inventory.listClients(grantIn(principal, project), query.params),
});

const listTunnels = engineRoute({
  method: 'GET',
  path: '/api/tunnels',
  operationId: 'listTunnels',
  summary: 'Tunnels of the project. The list scope of the token may hide rows and fields.',
  access: readInventory,
  query: z.object({ params: jsonParameter(TunnelListParams, maxParams).optional() }),
  response: z.array(Tunnel.partial()),
  run: ({ services, principal, project, query }) => services.inventory.listTunnels(grantIn(principal, project), query.params),
});

const getTunnel = engineRoute({
  method: 'GET',
  path: '/api/tunnels/{id}',
  operationId: 'getTunnel',
  summary: 'One tunnel by id.',
  access: readInventory,
  response: Tunnel.partial(),
  run: ({ services, principal, project, params }) => services.inventory.tunnel(grantIn(principal, project), params['id'] ?? ''),
});

const watchBySse = engineRoute({
  method: 'GET',
  path: '/api/sse',
  operationId: 'watchBySse',
  summary: 'Server-sent events, one JSON event each; the first is state.initial.',
  access: readInventory,
  query: WatchQuery,
  response: EngineEvent,
  contentType: 'text/event-stream',
  queryToken: true,
  run({ services, principal, project, query, signal }) {
    services.watchers.take(signal);
    return eventStream(services.inventory.watch(grantIn(principal, project), query.params ?? {}, signal));
  },
});

const watchByWebSocket = engineRoute({
  method: 'GET',
  path: '/api/websocket',
  operationId: 'watchByWebSocket',
  summary: 'The same events as text messages of a WebSocket.',
  access: readInventory,
  query: WatchQuery,
  response: EngineEvent,
  queryToken: true,
  run(): never {
    throw new RstreamError('INVALID_REQUEST', 'This address speaks WebSocket only.', { next: 'Send an upgrade request, or use /api/sse.' });
  },
});

export const engineRoutes: readonly Route<never>[] = [
  checkToken,
  listClients,
  listTunnels,
  getTunnel,
  watchBySse,
  watchByWebSocket,
  createToken,
];
