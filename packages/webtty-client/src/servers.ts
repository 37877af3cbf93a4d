import { RstreamError } from '@rstream/protocol';
import type { WebttyServer } from '@rstream/protocol/exec';
import { wellKnownLabels, type Tunnel } from '@rstream/protocol/tunnel';

const names = wellKnownLabels.webtty;
const knownCapabilities = new Set(['exec', 'fs', 'terminal']);

/** The devices among `tunnels`, as `webtty list` shows them. */
export function parseWebttyServers(tunnels: readonly Tunnel[]): WebttyServer[] {
  return tunnels.filter(isWebtty).map(toServer);
}

function isWebtty(tunnel: Tunnel): boolean {
  return tunnel.protocol === 'webtty' || tunnel.labels?.[wellKnownLabels.applicationProtocol] === names.application;
}

function toServer(tunnel: Tunnel): WebttyServer {
  const labels = tunnel.labels ?? {};
  const serverId = labels[names.serverId];
  const capabilities = capabilitiesOf(labels[names.capabilities]);
  const reference = serverId ?? tunnel.name ?? tunnel.id;
  return withoutUndefined({
    status: tunnel.status,
    tunnel_id: tunnel.id,
    tunnel_name: tunnel.name,
    tunnel_protocol: tunnel.protocol,
    managed: tunnel.protocol === 'webtty',
    target: labels[names.serverName] ?? tunnel.name ?? tunnel.id,
    rstream_url: `rstrm://${reference}`,
    publish: tunnel.publish,
    host: tunnel.host,
    token_auth: tunnel.token_auth ?? false,
    server_id: serverId,
    server_name: labels[names.serverName],
    workspace_id: tunnel.workspace_id,
    project_id: tunnel.project_id,
    host_key_id: labels[names.hostKeyId],
    e2e: labels[names.e2e],
    client_proof: labels[names.clientProof],
    encryption_policy: labels[names.encryptionPolicy],
    capabilities,
    exec_path: labels[names.execPath] ?? '/',
    ...(capabilities.includes('fs')
      ? {
          fs_path: labels[names.fsPath] ?? '/fs',
          fs_backend: labels[names.fsBackend] ?? 'webdav',
          fs_mode: labels[names.fsMode] ?? 'read-write',
        }
      : {}),
    os_family: labels[names.osFamily],
    arch: labels[names.arch],
    os_id: labels[names.osId],
    os_version_id: labels[names.osVersionId],
    os_version_codename: labels[names.osVersionCodename],
    os_pretty_name: labels[names.osPrettyName],
    kernel_release: labels[names.kernelRelease],
    hostname: labels[names.hostname],
    labels: operatorLabels(labels),
  }) as WebttyServer;
}

function capabilitiesOf(label: string | undefined): string[] {
  if (label === undefined) return ['exec'];
  return label
    .split(',')
    .map((name) => name.trim())
    .filter((name) => knownCapabilities.has(name));
}

function operatorLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = names.operatorPrefix;
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

function withoutUndefined(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

/** What `webtty list --filter/--name` takes. */
export interface WebttyFilter {
  /** `labels.KEY=VALUE` or `FIELD=VALUE`, several with commas; text without `=` is part of a name. */
  readonly filter?: string | undefined;
  /** Whole tunnel name, server name, target or id. */
  readonly name?: string | undefined;
}

/** The servers that match every given condition. */
export function filterWebttyServers(servers: readonly WebttyServer[], { filter, name }: WebttyFilter): WebttyServer[] {
  const terms = (filter ?? '')
    .split(',')
    .map((term) => term.trim())
    .filter((term) => term !== '');
  return servers.filter((server) => (name === undefined || isNamed(server, name)) && terms.every((term) => matches(server, term)));
}

function namesOf(server: WebttyServer): string[] {
  return [server.target, server.tunnel_name, server.server_name, server.tunnel_id, server.server_id].filter((name) => name !== undefined);
}

const isNamed = (server: WebttyServer, name: string): boolean => namesOf(server).includes(name);

function matches(server: WebttyServer, term: string): boolean {
  const equals = term.indexOf('=');
  if (equals < 0) return [...namesOf(server), server.hostname ?? ''].some((name) => name.toLowerCase().includes(term.toLowerCase()));
  const key = term.slice(0, equals).trim();
  const value = term.slice(equals + 1).trim();
  if (key.startsWith('labels.')) return server.labels[key.slice('labels.'.length)] === value;
  if (key === 'capabilities') return server.capabilities.includes(value);
  const field = (server as Readonly<Record<string, unknown>>)[key];
  return typeof field === 'string' || typeof field === 'boolean' ? `${field}` === value : false;
}

/**
 * The one server that `target` names: the name, server name or id, or `rstrm://` in front of it.
 *
 * @throws RstreamError `TUNNEL_NOT_FOUND`, or `INVALID_REQUEST` when several match.
 */
export function findWebttyServer(servers: readonly WebttyServer[], target: string): WebttyServer {
  const name = target.replace(/^rstrm:\/\//, '').replace(/\/.*$/, '');
  const found = servers.filter((server) => isNamed(server, name));
  const [server] = found;
  if (server === undefined) {
    throw new RstreamError('TUNNEL_NOT_FOUND', `No device is called "${name}".`, { next: 'List the devices with: rstream webtty list' });
  }
  if (found.length > 1) {
    const ids = found.map((match) => match.tunnel_id).join(', ');
    throw new RstreamError('INVALID_REQUEST', `${found.length} devices are called "${name}": ${ids}.`, {
      next: 'Name one by its tunnel id.',
    });
  }
  return server;
}
