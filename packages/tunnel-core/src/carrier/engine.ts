import { isIP } from 'node:net';
import { RstreamError } from '@rstream/protocol';

/** TLS settings of a carrier. The certificate is verified against `servername`, by default the engine's own name. */
export interface CarrierTls {
  /** Extra certificate authority, PEM. Replaces the system's list when given. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  readonly servername?: string;
  /** False accepts any certificate: for tests only. */
  readonly rejectUnauthorized?: boolean;
}

/** Where a session is opened: the address to connect to, and the name to ask for there. */
export interface CarrierTarget {
  /** Address or name that is connected to, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The `Host` header: the engine's name, with its port when that is not the scheme's own. */
  readonly serverName: string;
  /** Absent or false = plain; TLS 1.2 or later otherwise. */
  readonly tls?: boolean | CarrierTls;
  /** Path of the session endpoint; default `/api/session`. */
  readonly path?: string;
}

const HTTPS_PORT = 443;
const schemes: Readonly<Record<string, { readonly tls: boolean; readonly port: number }>> = {
  'https:': { tls: true, port: HTTPS_PORT },
  'wss:': { tls: true, port: HTTPS_PORT },
  'http:': { tls: false, port: 80 },
  'ws:': { tls: false, port: 80 },
};

/**
 * Reads an engine address: `HOST:PORT`, `HOST` (port 443) or an http(s) URL without path. Without a scheme it means TLS, so that a
 * token never crosses a network in clear text unless somebody wrote `http://`; only loopback on another port than 443 is plain. Names under `.localhost` connect to 127.0.0.1 and keep their name (RFC 6761 §6.3 makes them loopback,
 * Node's resolver does not). Throws `ERR_RSTREAM_ENGINE_INVALID`.
 */
export function parseEngine(engine: string): CarrierTarget {
  const written = engine.trim();
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(written);
  const url = URL.parse(hasScheme ? written : `http://${written}`);
  if (url === null || connectHost(url.hostname) === '') throw invalid(written);
  if (url.username !== '' || url.password !== '') {
    throw new RstreamError('ERR_RSTREAM_ENGINE_INVALID', 'The engine address contains a user name or password.');
  }
  if (url.search !== '' || url.hash !== '' || (url.pathname !== '/' && url.pathname !== '')) throw invalid(written);
  const scheme = hasScheme ? schemes[url.protocol] : undefined;
  if (hasScheme && scheme === undefined) throw invalid(written);
  const port = scheme === undefined ? barePort(written, url.port) : url.port === '' ? scheme.port : Number(url.port);
  if (port === 0) throw invalid(written);
  const tls = scheme?.tls ?? (port === HTTPS_PORT || !isLoopback(connectHost(url.hostname)));
  const ownPort = tls ? HTTPS_PORT : 80;
  return {
    host: connectHost(url.hostname),
    port,
    serverName: port === ownPort ? url.hostname : `${url.hostname}:${port}`,
    ...(tls ? { tls: true } : {}),
  };
}

/** The address to connect to for a name: loopback for `localhost` and names under it, else the name without brackets. */
export function connectHost(hostname: string): string {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return '127.0.0.1';
  return name.startsWith('[') ? name.slice(1, -1) : name;
}

/** True for 127.0.0.0/8 and ::1: what is sent there stays on this machine. */
function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/** The name to verify a certificate against and to send as SNI; undefined for an address, which SNI cannot carry. */
export function tlsName(target: CarrierTarget): string | undefined {
  if (typeof target.tls === 'object' && target.tls.servername !== undefined) return target.tls.servername;
  const name = target.serverName.startsWith('[') ? '' : (target.serverName.split(':')[0] ?? '');
  return name === '' || isIP(name) !== 0 ? undefined : name;
}

/** URL parsing hides port 80 of a bare address because it borrows the http scheme. */
function barePort(written: string, parsed: string): number {
  if (parsed !== '') return Number(parsed);
  return /:0*80\/?$/.test(written) ? 80 : HTTPS_PORT;
}

function invalid(engine: string): RstreamError {
  return new RstreamError('ERR_RSTREAM_ENGINE_INVALID', `"${engine}" is not HOST:PORT or an http(s) URL without a path.`);
}
