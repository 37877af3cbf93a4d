import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { RstreamError, toRstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import type { FileHttp } from '../http.ts';
import { systemCode } from '../local-error.ts';
import { basicCheck, namesListener, oneTimeCredential, type BasicCredential } from './access.ts';
import { answerHeaders, requestHeaders } from './rewrite.ts';

export interface GatewayOptions {
  readonly http: FileHttp;
  /** Path of the files, the same here and at the device. */
  readonly fsPath: string;
  readonly host: string;
  readonly port: number;
  /** Let nothing through that changes something. */
  readonly readOnly: boolean;
  /** A request that could not be passed on. */
  onFailure?(error: RstreamError): void;
}

/** The files of a device on a port of this machine, for as long as it is open. */
export interface Gateway {
  readonly url: string;
  readonly credential: BasicCredential;
  close(): Promise<void>;
}

const reading = new Set(['OPTIONS', 'GET', 'HEAD', 'PROPFIND']);
const methods = new Set([...reading, 'PUT', 'PATCH', 'MKCOL', 'DELETE', 'COPY', 'MOVE', 'PROPPATCH', 'LOCK', 'UNLOCK']);

/** Opens the port. @throws RstreamError `ERR_RSTREAM_FILE_LOCAL` when it cannot be opened */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const credential = oneTimeCredential();
  const server = createServer({ keepAlive: true, maxHeaderSize: 65_536 });
  server.on('request', handlerOf(options, server, credential));
  // A client that asks whether it may send its body is answered when its password was looked at.
  server.on('checkContinue', handlerOf(options, server, credential));
  server.maxConnections = limits.files.gatewayRequests.default * 4;
  // An upload may take as long as it does.
  server.requestTimeout = 0;
  server.listen(options.port, options.host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_FILE_LOCAL', `The port ${options.host}:${options.port} cannot be opened: ${systemCode(cause)}.`, {
      cause,
    });
  }
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${portOf(server)}${options.fsPath}/`,
    credential,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

function handlerOf(
  options: GatewayOptions,
  server: Server,
  credential: BasicCredential,
): (request: IncomingMessage, response: ServerResponse) => void {
  const isAllowed = basicCheck(credential);
  let running = 0;
  return (request, response) => {
    response.setHeader('x-content-type-options', 'nosniff');
    if (!namesListener(request, portOf(server), options.host)) return refuse(request, response, 421);
    if (!isAllowed(request)) return refuse(request, response, 401);
    const method = request.method ?? '';
    if (!methods.has(method)) return refuse(request, response, 405);
    if (options.readOnly && !reading.has(method)) return refuse(request, response, 403);
    if (running >= limits.files.gatewayRequests.default) return refuse(request, response, 503);
    running += 1;
    response.once('close', () => (running -= 1));
    void pass(options, request, response).catch((error: unknown) => {
      options.onFailure?.(toRstreamError(error));
      if (response.headersSent) response.destroy();
      else refuse(request, response, 502);
    });
  };
}

async function pass({ http, fsPath }: GatewayOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = request.url ?? '';
  const isBelow = target === fsPath || target.startsWith(`${fsPath}/`) || target.startsWith(`${fsPath}?`);
  // Windows asks the root of a server first what it can do.
  if (!isBelow && request.method === 'OPTIONS') {
    response.writeHead(200, { dav: '1, 2', allow: 'OPTIONS', 'content-length': '0' });
    response.end();
    return;
  }
  if (!isBelow) return refuse(request, response, 404);
  const hosts = { here: request.headers.host ?? '', device: http.host };
  const headers = requestHeaders(request.headers, hosts);
  if (headers === undefined) return refuse(request, response, 502);
  if (request.headers.expect !== undefined) response.writeContinue();
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const answer = await http.send({
    method: request.method ?? 'GET',
    target,
    headers,
    ...(hasBody ? { body: request } : {}),
    signal: gone.signal,
  });
  response.writeHead(answer.statusCode ?? 502, answerHeaders(answer.headers, hosts));
  await pipeline(answer, response);
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  const bodyLeft =
    !request.complete && (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined);
  response.writeHead(status, {
    'content-length': '0',
    ...(status === 401 ? { 'www-authenticate': 'Basic realm="rstream files", charset="UTF-8"' } : {}),
    ...(bodyLeft ? { connection: 'close' } : {}),
  });
  response.end();
}
