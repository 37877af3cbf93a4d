import { isIPv4, isIPv6 } from 'node:net';
import { usage } from '../../option.ts';

/** True for names and addresses that lead to this machine alone. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || (isIPv4(host) && host.startsWith('127.')) || host === '::1';
}

/** Reads `HOST:PORT` of a listener. @throws RstreamError `ERR_RSTREAM_USAGE` for another machine's view of this one, unless it is allowed */
export function listenAddress(written: string, { allowRemote }: { allowRemote: boolean }): { host: string; port: number } {
  const [, name = '', digits = ''] = /^(\[[0-9a-f:.]+\]|[^:[\]\s/]+):(\d{1,5})$/i.exec(written) ?? [];
  const port = Number(digits);
  const host = name.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === '' || port > 65_535) throw usage(`"${written}" is not HOST:PORT.`, 'For example: --listen 127.0.0.1:8080');
  if (isIPv4(host) || isIPv6(host) || host === 'localhost') {
    if (isLoopbackHost(host) || allowRemote) return { host: host === 'localhost' ? '127.0.0.1' : host, port };
  }
  throw usage(
    `"${host}" is not an address of this machine alone, and what is served there goes over the network unencrypted.`,
    'Listen on 127.0.0.1, or add --allow-remote when you know who can reach it.',
  );
}
