import { parseBaseHost } from './config/address.ts';
import { isSecure } from './config/exposure.ts';
import type { HostedConfig } from './config/schema.ts';

/** The names under which clients reach the process. */
export interface Addresses {
  readonly scheme: 'http' | 'https';
  /** Host name without a port, e.g. `rstream.localhost`. */
  readonly baseName: string;
  readonly port: number;
  /** Base name with the port where a URL needs it. */
  readonly authority: string;
}

/** Joins the configured names with the port that was really opened. */
export function addressesOf(config: HostedConfig, listenerPort: number): Addresses {
  const base = parseBaseHost(config.baseHost);
  const scheme = isSecure(config) ? 'https' : 'http';
  const port = base.port ?? listenerPort;
  const isDefaultPort = port === (scheme === 'https' ? 443 : 80);
  return { scheme, baseName: base.name, port, authority: isDefaultPort ? base.name : `${base.name}:${port}` };
}
