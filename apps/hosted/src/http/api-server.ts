import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { limits, RstreamError } from '@rstream/protocol';
import { errorHeader, requestIdHeader, upgradeProtocol } from '@rstream/protocol/wire';
import type { Projects } from '@rstream/relay';
import type { Logger } from '../log.ts';
import { newId } from '../state/ids.ts';
import { clientAddress } from './authenticate.ts';
import { type HostTarget, hostTarget } from './hosts.ts';
import { refusalOf, refuseUpgrade } from './refusal.ts';
import type { RequestFacts } from './router.ts';
import type { UpgradeFacts } from './upgrades.ts';

export interface ApiServerOptions {
  readonly baseName: string;
  readonly projects: Projects;
  readonly isTrustedProxy: (address: string) => boolean;
  readonly control: Hono<{ Bindings: RequestFacts }>;
  readonly engine: Hono<{ Bindings: RequestFacts }>;
  /** Answers under every host name. */
  readonly health: Hono<{ Bindings: RequestFacts }>;
  readonly upgrade: (facts: UpgradeFacts) => Promise<void>;
  readonly onAnswer: (status: number) => void;
  readonly logger: Logger;
}

/** The REST side of the public listener. It opens no port: sockets are handed to it. */
export interface ApiServer {
  handleConnection(socket: Socket): void;
  close(): void;
}

/** How often deadlines are enforced. */
const CHECK_MS = 2_000;

const ourProtocols = new Set([upgradeProtocol, 'websocket']);
const healthPaths = new Set(['/healthz', '/readyz']);

export function createApiServer(options: ApiServerOptions): ApiServer {
  const server = createServer({
    connectionsCheckingInterval: CHECK_MS,
    requestTimeout: limits.control.bodyTimeout.default,
    headersTimeout: limits.control.bodyTimeout.default,
    // A client that offers another protocol (h2c, as curl --http2 does) is answered in this one. Older Node versions have no such choice.
    shouldUpgradeCallback: ({ headers }) => ourProtocols.has(headers.upgrade?.toLowerCase() ?? ''),
  });
  const facts = (incoming: IncomingMessage) => ({
    requestId: requestIdOf(incoming),
    address: clientAddress(incoming, options.isTrustedProxy),
    target: hostTarget(incoming.headers.host, options.baseName, options.projects),
  });

  server.on('request', (incoming, outgoing) => {
    const { requestId, address, target } = facts(incoming);
    observe(options, incoming, outgoing, { request_id: requestId, address });
    const app = appOf(options, incoming, target);
    if (app === undefined) return refuse(outgoing, hostError(target), requestId);
    const project = target.kind === 'engine' ? target.project : undefined;
    const listener = getRequestListener((request) => app.fetch(request, { incoming, outgoing, requestId, address, project }), {
      overrideGlobalObjects: false,
    });
    return void listener(incoming, outgoing);
  });

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const { requestId, address, target } = facts(request);
    if (target.kind === 'engine') return void options.upgrade({ request, socket, head, requestId, address, project: target.project });
    const error = target.kind === 'control' ? new RstreamError('NOT_FOUND', 'The control plane upgrades nothing.') : hostError(target);
    return refuseUpgrade(socket, error, requestId);
  });

  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else socket.destroy();
  });

  // A server starts to enforce its deadlines when it listens. This one never does: its sockets come from the relay.
  server.emit('listening');

  return {
    handleConnection: (socket) => void server.emit('connection', socket),
    close: () => closeServer(server),
  };
}

function appOf({ control, engine, health }: ApiServerOptions, { url = '/' }: IncomingMessage, { kind }: HostTarget) {
  if (healthPaths.has(url.split('?', 1)[0] ?? '')) return health;
  if (kind === 'control') return control;
  return kind === 'engine' ? engine : undefined;
}

const hostError = ({ kind }: HostTarget): RstreamError =>
  kind === 'tunnel'
    ? new RstreamError('MISDIRECTED')
    : new RstreamError('NOT_FOUND', 'Nothing is served under this host name.', {
        next: 'Use the base host for the control plane, or <endpoint>.<base host> of a project.',
      });

function refuse(outgoing: ServerResponse, error: RstreamError, requestId: string): void {
  const { status, headers, body } = refusalOf(error, requestId);
  outgoing.writeHead(status, headers).end(body);
}

/** The caller's own id when it is a plain word, so that one id joins edge, agent and tool call. */
function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers[requestIdHeader];
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : newId('req');
}

function observe(
  { logger, onAnswer }: ApiServerOptions,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  ids: { request_id: string; address: string },
): void {
  const startedAt = performance.now();
  const path = (incoming.url ?? '/').split('?', 1)[0] ?? '/';
  outgoing.once('close', () => {
    const code = outgoing.getHeader(errorHeader);
    const fields = { ...ids, method: incoming.method, path, status: outgoing.statusCode, ms: Math.round(performance.now() - startedAt) };
    onAnswer(outgoing.statusCode);
    // Probes and throttled guesses would drown everything else.
    const level = healthPaths.has(path) || outgoing.statusCode === 429 ? 'debug' : 'info';
    logger[level]({ ...fields, ...(code === undefined ? {} : { code }) }, 'api request');
  });
}

function closeServer(server: Server): void {
  server.close(() => undefined);
  server.closeAllConnections();
}
