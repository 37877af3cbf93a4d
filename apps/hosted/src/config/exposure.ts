import { RstreamError } from '@rstream/protocol';
import { isLoopback, parseListenAddress } from './address.ts';
import type { HostedConfig } from './schema.ts';

/**
 * Refuses a listener that would carry tokens in clear text past this machine (`ERR_RSTREAM_HOSTED_EXPOSED`).
 * Loopback may: nobody else can read it. A trusted proxy adds the TLS itself. `insecure` is the operator's own word.
 */
export function checkExposure({ listen, tls, insecure, trustedProxies }: HostedConfig): void {
  const { host } = parseListenAddress(listen);
  if (isLoopback(host) || tls.cert !== undefined || insecure || trustedProxies.length > 0) return;
  throw new RstreamError(
    'ERR_RSTREAM_HOSTED_EXPOSED',
    `${listen} is reachable from other machines, and tokens would cross the network in clear text.`,
  );
}

/** True when clients reach the process over TLS, ended here or by the trusted proxy in front. */
export const isSecure = ({ tls, trustedProxies }: HostedConfig): boolean => tls.cert !== undefined || trustedProxies.length > 0;

/**
 * Whether a peer may connect at all. Where only the trusted proxy in front adds the TLS, anyone else who reached the port would send
 * tokens in clear text: such a connection is closed before a byte of it is read. Loopback may always.
 */
export function peerTest(config: HostedConfig, isTrustedProxy: (address: string) => boolean): (address: string) => boolean {
  const proxyOnly = config.tls.cert === undefined && !config.insecure && config.trustedProxies.length > 0;
  if (!proxyOnly) return () => true;
  return (address) => isTrustedProxy(address) || isLoopback(address.replace(/^::ffff:/, ''));
}
