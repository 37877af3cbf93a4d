import type { Tunnel } from '@rstream/protocol/tunnel';

/** What a person types to reach a tunnel, from the inventory: its host for a published one, else `rstrm://name`. */
export function forwardingOf({ publish, host, hostname, name, id, protocol }: Tunnel): string {
  const authority = host ?? hostname;
  if (!publish || authority === undefined) return `rstrm://${name ?? id}`;
  return protocol === undefined || protocol === 'http' ? authority : `${authority} (${protocol})`;
}
