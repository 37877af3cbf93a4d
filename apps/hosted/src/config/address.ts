import { BlockList, isIP } from 'node:net';
import { RstreamError } from '@rstream/protocol';

/** Where a listener binds. Port 0 means any free port. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A public name with the port under which clients reach it; no port means that of the listener. */
export interface BaseHost {
  readonly name: string;
  readonly port: number | undefined;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** `HOST:PORT`, `[IPV6]:PORT` or `:PORT` (every interface). */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new RstreamError('ERR_RSTREAM_HOSTED_CONFIG', `"${text}" is not a listen address like 127.0.0.1:8080.`);
  }
  const host = match[1] ?? match[2];
  return { host: host === undefined || host === '' || host === '*' ? '::' : host, port };
}

export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True when only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const version = isIP(host);
  return version !== 0 && LOOPBACK.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/** `NAME` or `NAME:PORT`, in lower case. */
export function parseBaseHost(text: string): BaseHost {
  const match = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(\d{1,5}))?$/.exec(text.toLowerCase());
  const name = match?.[1];
  const port = Number(match?.[2] ?? 0);
  if (name === undefined || port > 65_535 || isIP(name) !== 0) {
    throw new RstreamError('ERR_RSTREAM_HOSTED_CONFIG', `"${text}" is not a base host like rstream.localhost:8080.`, {
      next: 'Give a DNS name, optionally with a port; projects and tunnels become names below it.',
    });
  }
  return { name, port: port === 0 ? undefined : port };
}

/** Networks in CIDR notation (or single addresses) as one matcher. */
export function parseNetworks(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits, ...rest] = network.split('/');
    const version = isIP(address);
    const widest = version === 6 ? 128 : 32;
    const prefix = bits === undefined ? widest : Number(bits);
    if (version === 0 || rest.length > 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > widest) {
      throw new RstreamError('ERR_RSTREAM_HOSTED_CONFIG', `"${network}" is not a network like 10.0.0.0/8.`);
    }
    list.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
