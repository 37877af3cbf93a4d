import { randomBytes } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { RstreamError } from '@rstream/protocol';
import type { Tunnel, TunnelProperties } from '@rstream/protocol/tunnel';
import { tunnelRuleViolations } from '@rstream/protocol/tunnel-rules';
import type { HostPlan } from './hostnames.ts';
import type { Grant } from './ports.ts';
import type { Candidate, Holder } from './registry.ts';

/** What is asked of this relay and not offered yet, one sentence each. */
const UNAVAILABLE: readonly (readonly [(p: TunnelProperties) => boolean, string])[] = [
  [(p) => p.type === 'datagram', 'Datagram tunnels are not offered by this relay.'],
  [(p) => p.publish !== false && p.protocol !== undefined && p.protocol !== 'http', 'Only http tunnels can be published by this relay.'],
  [(p) => p.http_version !== undefined && p.http_version !== 'http/1.1', 'Only http_version http/1.1 is offered by this relay.'],
  [(p) => p.tls_mode === 'passthrough', 'tls_mode passthrough is not offered by this relay.'],
  [(p) => (p.geo_ip?.length ?? 0) > 0, 'geo_ip is not offered by this relay.'],
  [(p) => p.mtls_auth === true, 'mtls_auth is not offered by this relay.'],
  [(p) => p.rstream_auth === true, 'rstream_auth is not offered by this relay.'],
  [(p) => p.challenge_mode === true, 'challenge_mode is not offered by this relay.'],
];

/**
 * The one place that decides whether a tunnel may be opened, and as what: rules, features, host name, then the grant.
 *
 * @throws RstreamError `INVALID_REQUEST`, `FEATURE_NOT_AVAILABLE`, `FORBIDDEN`
 */
export function admitTunnel(
  properties: TunnelProperties,
  from: { readonly grant: Grant; readonly holder: Holder; readonly hosts: HostPlan },
): Candidate {
  const violations = tunnelRuleViolations(properties);
  if (violations[0] !== undefined) {
    throw new RstreamError('INVALID_REQUEST', `${violations.map((violation) => violation.message).join('; ')}.`, {
      details: { violations },
    });
  }
  const missing = UNAVAILABLE.find(([asks]) => asks(properties));
  if (missing !== undefined) throw new RstreamError('FEATURE_NOT_AVAILABLE', missing[1]);
  const { grant, holder, hosts } = from;
  const wanted = resolved(properties, grant, hosts);
  const decision = grant.allows({ type: 'tunnel.create', project: grant.project, tunnel: wanted });
  if (!decision.allowed) throw decision.error;
  const id = `tun_${randomBytes(12).toString('hex')}`;
  const record: Tunnel = {
    ...wanted,
    id,
    status: 'online',
    creation_date: new Date().toISOString(),
    client_id: holder.clientId,
    user_id: grant.userId,
    workspace_id: grant.workspaceId,
    project_id: grant.project.id,
  };
  return { id, holder, record, admits: addressFilter(properties.trusted_ips) };
}

/** The properties with every default filled in: what the creation filters of a token are held against. */
function resolved(
  properties: TunnelProperties,
  grant: Grant,
  hosts: HostPlan,
): TunnelProperties & Pick<Tunnel, 'type' | 'publish' | 'host'> {
  const publish = properties.publish ?? true;
  if (!publish) return { ...properties, type: 'bytestream', publish };
  const hostname = hosts.hostnameFor(grant.project, properties.hostname);
  const http = { protocol: 'http' as const, http_version: 'http/1.1' as const };
  const { http_version: version = http.http_version, ...rest } = properties;
  // upstream_tls goes without a version: the device speaks to its service by itself.
  const spoken = properties.upstream_tls === true ? {} : { http_version: version };
  return { ...rest, ...spoken, protocol: http.protocol, type: 'bytestream', publish, hostname, host: hosts.authority(hostname) };
}

/** What users see: `https://host` for a published tunnel, `rstrm://name` for a private one. */
export function forwardingOf(tunnel: Tunnel, hosts: HostPlan): string {
  return tunnel.hostname === undefined ? `rstrm://${tunnel.name ?? tunnel.id}` : hosts.url(tunnel.hostname);
}

/**
 * A check for client addresses: a list of single addresses and CIDR ranges; absent or empty admits all.
 *
 * @throws RstreamError `INVALID_REQUEST` naming the entry that is no address
 */
export function addressFilter(entries: readonly string[] | undefined): (clientIp: string) => boolean {
  if (entries === undefined || entries.length === 0) return () => true;
  const list = new BlockList();
  for (const entry of entries) addEntry(list, entry);
  return (clientIp) => {
    const family = isIP(clientIp);
    return family !== 0 && list.check(clientIp, family === 4 ? 'ipv4' : 'ipv6');
  };
}

function addEntry(list: BlockList, entry: string): void {
  const [address = '', prefix, ...more] = entry.split('/');
  const family = isIP(address);
  const bits = prefix === undefined ? undefined : Number(prefix);
  const widest = family === 4 ? 32 : 128;
  if (family === 0 || more.length > 0 || (bits !== undefined && !(/^\d{1,3}$/.test(prefix ?? '') && bits <= widest))) {
    throw new RstreamError('INVALID_REQUEST', `trusted_ips: "${entry}" is neither an address nor a CIDR range.`);
  }
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (bits === undefined) list.addAddress(address, type);
  else list.addSubnet(address, bits, type);
}
