import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { ConnectionOptions } from 'node:tls';
import { errorFromReport, RstreamError } from '@rstream/protocol';
import { nextWhenUnreachable } from '@rstream/protocol/errors';
import { carrierLimits } from '@rstream/protocol/limits';
import { errorHeader, sessionPath, WireErrorBody } from '@rstream/protocol/wire';
import { tlsName, type CarrierTarget } from './engine.ts';

/** What both client carriers need to ask the relay for a session. */
export interface Handshake {
  readonly target: CarrierTarget;
  readonly token: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

type TlsOptions = Pick<ConnectionOptions, 'ca' | 'servername' | 'rejectUnauthorized' | 'minVersion' | 'ALPNProtocols'>;

/** Visible ASCII: what an Authorization header can hold (RFC 9110 §5.5), so that a stray newline is reported and not sent. */
const sendableToken = /^[\x21-\x7e]+$/;

/** The options of the HTTP request that asks for a session, equal for both carriers but for the headers that name the carrier. */
export function handshakeOptions({ target, token, headers }: Handshake, carrierHeaders = {}): RequestOptions & TlsOptions {
  if (!sendableToken.test(token)) throw new RstreamError('UNAUTHORIZED', 'The token is empty or holds characters that no token has.');
  return {
    host: target.host,
    port: target.port,
    path: target.path ?? sessionPath,
    method: 'GET',
    agent: false,
    setHost: false,
    headers: { ...headers, Host: target.serverName, Authorization: `Bearer ${token}`, ...carrierHeaders },
    ...(isTls(target) ? tlsOptions(target) : {}),
  };
}

export function isTls(target: CarrierTarget): boolean {
  return target.tls !== undefined && target.tls !== false;
}

function tlsOptions(target: CarrierTarget): TlsOptions {
  const given = typeof target.tls === 'object' ? target.tls : {};
  const servername = tlsName(target);
  return {
    ...(given as TlsOptions),
    ...(servername === undefined ? {} : { servername }),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
  };
}

/** An answer that the relay did not give: a proxy, a load balancer or another server stands on the way. */
export function isForeignAnswer(error: unknown): error is RstreamError {
  return RstreamError.is(error) && error.code === 'ERR_RSTREAM_CARRIER_REFUSED';
}

/** Reads the ordinary HTTP answer that came instead of the upgrade, and turns it into the error to throw. */
export async function readRefusal(response: IncomingMessage, request: ClientRequest): Promise<RstreamError> {
  const status = response.statusCode ?? 0;
  const body = await readBody(response);
  request.destroy();
  const header = response.headers[errorHeader];
  const parsed = WireErrorBody.safeParse(parseJson(body));
  if (parsed.success) return errorFromReport({ code: parsed.data.code, message: parsed.data.error, next: parsed.data.next });
  if (typeof header === 'string') {
    return errorFromReport({ code: header, message: `The relay refused the session (HTTP ${status}).` });
  }
  return foreignAnswer(`Something on the way to the relay answered HTTP ${status} instead of opening a session.`, status);
}

/** The error for a carrier that something else than the relay refused. */
export function foreignAnswer(message: string, status?: number): RstreamError {
  return new RstreamError('ERR_RSTREAM_CARRIER_REFUSED', message, status === undefined ? {} : { details: { status } });
}

/** The error for an engine that could not be reached, naming where and why. */
export function connectFailed(target: CarrierTarget, cause: unknown): RstreamError {
  if (RstreamError.is(cause)) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const next = nextWhenUnreachable(code, isTls(target));
  const address = target.serverName === `${target.host}:${target.port}` ? '' : ` (${target.host} port ${target.port})`;
  return new RstreamError('ERR_RSTREAM_CONNECT_FAILED', `Could not connect to ${target.serverName}${address}: ${code ?? message}.`, {
    cause,
    ...(next === undefined ? {} : { next }),
  });
}

/** At most `carrier.refusalBytes`; a longer or broken body is as good as none. */
async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > carrierLimits.refusalBytes.default) return '';
      chunks.push(chunk);
    }
  } catch {
    return '';
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
