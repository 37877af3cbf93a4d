import * as z from 'zod';

const HOSTNAME_LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const hostname = z
  .string()
  .max(253)
  .regex(new RegExp(`^${HOSTNAME_LABEL}(\\.${HOSTNAME_LABEL})*$`), 'must be a lower-case host name');

/** Name of a tunnel: unique among the live tunnels of a project. 1–63 of `a-z 0-9 - _ .`, starting and ending with a letter or digit. */
export const TunnelName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-_.]{0,61}[a-z0-9])?$/, 'must be 1–63 of a-z 0-9 - _ . and start and end with a letter or digit');

/** Label keys and values: at most 64 pairs; key ≤ 128 and value ≤ 1,024 characters, no control characters. */
export const Labels = z
  .record(
    z
      .string()
      .min(1)
      .max(128)
      .regex(/^[\w.\-/]+$/, 'label keys are letters, digits and . _ - /'),
    z.string().max(1024),
  )
  .refine((labels) => Object.keys(labels).length <= 64, 'at most 64 labels');
export type Labels = z.infer<typeof Labels>;

export const TunnelType = z.enum(['bytestream', 'datagram']);
export const TunnelProtocol = z.enum(['http', 'tls', 'tcp', 'dtls', 'quic', 'webtty']);
export const HttpVersion = z.enum(['http/1.1', 'h2', 'h2c', 'h3']);

/** What the owner of a tunnel may ask for. JSON keys are those of the published engine REST API. */
export const TunnelProperties = z.strictObject({
  name: TunnelName.optional(),
  type: TunnelType.optional(),
  /** True (the default): reachable at a public host name. False: by private dial only. */
  publish: z.boolean().optional(),
  protocol: TunnelProtocol.optional(),
  labels: Labels.optional(),
  geo_ip: z
    .array(z.string().regex(/^[A-Z]{2}$/))
    .max(256)
    .optional(),
  trusted_ips: z.array(z.string().max(64)).max(256).optional(),
  tls_mode: z.enum(['terminated', 'passthrough']).optional(),
  tls_alpns: z.array(z.string().min(1).max(255)).max(16).optional(),
  tls_min_version: z.enum(['tls1.2', 'tls1.3']).optional(),
  tls_ciphers: z.array(z.string().max(64)).max(64).optional(),
  mtls_auth: z.boolean().optional(),
  http_version: HttpVersion.optional(),
  token_auth: z.boolean().optional(),
  rstream_auth: z.boolean().optional(),
  challenge_mode: z.boolean().optional(),
  hostname: hostname.optional(),
  port: z.int().min(1).max(65_535).optional(),
  upstream_tls: z.boolean().optional(),
  datagram_guaranteed_delivery: z.boolean().optional(),
  allow_cross_region_routing: z.boolean().optional(),
});
export type TunnelProperties = z.infer<typeof TunnelProperties>;

/** `online`: its device answers on the data path. `offline`: the device is gone or did not answer the last probe. */
export const ResourceStatus = z.enum(['online', 'offline']);

/** A live tunnel as the inventory shows it. */
export const Tunnel = TunnelProperties.extend({
  id: z.string(),
  status: ResourceStatus,
  creation_date: z.string(),
  type: TunnelType,
  publish: z.boolean(),
  /** Public authority, `host[:port]`; only for published tunnels. */
  host: z.string().optional(),
  client_id: z.string(),
  user_id: z.string(),
  workspace_id: z.string(),
  project_id: z.string(),
  cluster_id: z.string().optional(),
  plan: z.string().optional(),
  provider: z.string().optional(),
  region: z.string().optional(),
});
export type Tunnel = z.infer<typeof Tunnel>;

/** What a client says of itself when its session opens. */
export const ClientDetails = z.object({
  agent: z.string().max(128),
  channel: z.string().max(64).optional(),
  version: z.string().max(64),
  os: z.string().max(64).optional(),
  arch: z.string().max(64).optional(),
  protocol_version: z.string().max(32),
  labels: Labels.optional(),
});
export type ClientDetails = z.infer<typeof ClientDetails>;

/** A connected client (an agent, a forward, an operator) as the inventory shows it. */
export const Client = ClientDetails.extend({
  id: z.string(),
  status: ResourceStatus,
  user_id: z.string(),
  workspace_id: z.string(),
  project_id: z.string(),
  cluster_id: z.string().optional(),
  plan: z.string().optional(),
  provider: z.string().optional(),
  region: z.string().optional(),
});
export type Client = z.infer<typeof Client>;

/** Inventory filter: every given field must be equal. */
export const TunnelFilter = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  type: TunnelType.optional(),
  status: ResourceStatus.optional(),
  client_id: z.string().optional(),
  user_id: z.string().optional(),
  protocol: TunnelProtocol.optional(),
  hostname: z.string().optional(),
  publish: z.boolean().optional(),
  http_version: HttpVersion.optional(),
  labels: z.record(z.string(), z.string()).optional(),
});
export type TunnelFilter = z.infer<typeof TunnelFilter>;

export const ClientFilter = z.strictObject({
  id: z.string().optional(),
  status: ResourceStatus.optional(),
  user_id: z.string().optional(),
  agent: z.string().optional(),
  channel: z.string().optional(),
  version: z.string().optional(),
  os: z.string().optional(),
  arch: z.string().optional(),
  protocol_version: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
});
export type ClientFilter = z.infer<typeof ClientFilter>;

/** The `params` query of `/api/tunnels` and `/api/clients`: URL-encoded JSON. */
export const TunnelListParams = z.strictObject({ limit: z.int().min(1).optional(), filters: TunnelFilter.optional() });
export const ClientListParams = z.strictObject({ limit: z.int().min(1).optional(), filters: ClientFilter.optional() });
/** The `params` query of `/api/sse` and `/api/websocket`. */
export const WatchParams = z.strictObject({ clients: ClientFilter.optional(), tunnels: TunnelFilter.optional() });
export type WatchParams = z.infer<typeof WatchParams>;

const eventBase = {
  id: z.string().optional(),
  created_at: z.string().optional(),
  user_id: z.string().optional(),
  workspace_id: z.string().optional(),
  project_id: z.string().optional(),
  cluster_id: z.string().optional(),
};

/** An event of the watch streams; the first is always `state.initial`. */
export const EngineEvent = z.discriminatedUnion('type', [
  z.object({
    ...eventBase,
    type: z.literal('state.initial'),
    object: z.object({ snapshot_at: z.string(), clients: z.array(Client), tunnels: z.array(Tunnel) }),
  }),
  z.object({ ...eventBase, type: z.enum(['client.created', 'client.updated', 'client.deleted']), object: Client }),
  z.object({ ...eventBase, type: z.enum(['tunnel.created', 'tunnel.updated', 'tunnel.deleted']), object: Tunnel }),
]);
export type EngineEvent = z.infer<typeof EngineEvent>;

/** Scheme of a private target: `rstrm://<name-or-id>[/path]`. */
export const privateScheme = 'rstrm:';

/** Labels that the product itself sets and reads. */
export const wellKnownLabels = {
  applicationProtocol: 'application-protocol',
  webtty: {
    application: 'rstream.webtty',
    capabilities: 'rstream.webtty.capabilities',
    execPath: 'rstream.webtty.exec.path',
    fsPath: 'rstream.webtty.fs.path',
    fsMode: 'rstream.webtty.fs.mode',
    fsBackend: 'rstream.webtty.fs.backend',
    e2e: 'rstream.webtty.e2e',
    clientProof: 'rstream.webtty.client_proof',
    encryptionPolicy: 'rstream.webtty.encryption_policy',
    executionMode: 'rstream.webtty.execution.mode',
    hostname: 'rstream.webtty.hostname',
    serverId: 'rstream.webtty.server_id',
    serverName: 'rstream.webtty.server_name',
    hostKeyId: 'rstream.webtty.host_key_id',
    osFamily: 'rstream.webtty.os_family',
    arch: 'rstream.webtty.arch',
    osId: 'rstream.webtty.os_id',
    osVersionId: 'rstream.webtty.os_version_id',
    osVersionCodename: 'rstream.webtty.os_version_codename',
    osPrettyName: 'rstream.webtty.os_pretty_name',
    kernelRelease: 'rstream.webtty.kernel_release',
    /** Prefix of the operator's own labels. */
    operatorPrefix: 'rstream.webtty.label.',
  },
  localTunnel: {
    application: 'rstream.local_tunnel',
    kind: 'rstream.local_tunnel.kind',
    port: 'rstream.local_tunnel.port',
    lease: 'rstream.local_tunnel.lease',
  },
  mcp: { application: 'rstream.mcp', path: 'rstream.mcp.path', transport: 'rstream.mcp.transport' },
} as const;
