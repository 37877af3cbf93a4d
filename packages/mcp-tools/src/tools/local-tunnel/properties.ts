import { RstreamError } from '@rstream/protocol';
import { mcpLimits, tokenLimits } from '@rstream/protocol/limits';
import { TunnelProperties, wellKnownLabels } from '@rstream/protocol/tunnel';
import { tunnelRuleViolations } from '@rstream/protocol/tunnel-rules';
import * as z from 'zod';
import { flag, integer, pairs, projectInputs, text } from '../../tool/inputs.ts';

const strings = z.array(z.string().min(1).max(255)).max(256);

/** Arguments of `rstream_local_tunnel_expose`. */
export const exposeInput = z.strictObject({
  port: integer(1, 65_535),
  host: text(253, 'Default localhost.'),
  name: text(63),
  publish: flag('Default true; false: reachable by private dial only.').optional(),
  protocol: z.enum(['http', 'http/1.1', 'h2c', 'tls', 'tcp', 'bytestream']).optional().describe('Default http.'),
  token_auth: flag('Default true for published HTTP. false makes it public, which the user has to confirm.').optional(),
  ready_url: flag('Also return a URL that opens at once: it carries a short-lived token for this tunnel and ready_path.').optional(),
  ready_path: text(1024, 'Default: every path.'),
  ready_seconds: integer(
    tokenLimits.delegatedTtlMin.default,
    tokenLimits.delegatedTtlMax.default,
    'Life of that token; default 600.',
  ).optional(),
  expires_in_seconds: integer(1, mcpLimits.leaseTtlMax.default, `Life of the tunnel; default ${mcpLimits.leaseTtl.default}.`).optional(),
  keep: flag('Outlive this MCP server, up to the expiry.').optional(),
  stable_domain: text(253, 'Requested host name.'),
  tcp_port: integer(1, 65_535).optional(),
  rstream_auth: flag().optional(),
  challenge_mode: flag().optional(),
  mtls: flag().optional(),
  upstream_tls: flag().optional(),
  tls_mode: z.enum(['terminated', 'passthrough']).optional(),
  tls_alpns: strings.optional(),
  tls_ciphers: strings.optional(),
  tls_min_version: z.enum(['tls1.2', 'tls1.3']).optional(),
  geoip: strings.optional(),
  trusted_ips: strings.optional(),
  labels: pairs('k=v strings.').optional(),
  ...projectInputs,
});
export type ExposeInput = z.output<typeof exposeInput>;

const protocols = {
  http: { protocol: 'http' },
  'http/1.1': { protocol: 'http', http_version: 'http/1.1' },
  h2c: { protocol: 'http', http_version: 'h2c' },
  tls: { protocol: 'tls' },
  tcp: { protocol: 'tcp' },
  bytestream: { type: 'bytestream' },
} as const;

/** True when nothing but the URL is needed to reach the service. */
export function isPublic(properties: TunnelProperties): boolean {
  if (properties.publish === false) return false;
  return properties.token_auth !== true && properties.rstream_auth !== true && properties.mtls_auth !== true;
}

/**
 * The tunnel that was asked for. Published HTTP is token-protected unless `token_auth` is explicitly false.
 *
 * @throws RstreamError INVALID_REQUEST naming the option that does not go with the others.
 */
export function tunnelProperties(input: ExposeInput): TunnelProperties {
  const kind = protocols[input.protocol ?? 'http'];
  const publish = input.publish ?? true;
  const isHttp = 'protocol' in kind && kind.protocol === 'http';
  const { application, kind: kindLabel, port } = wellKnownLabels.localTunnel;
  const wanted = {
    ...kind,
    publish,
    name: input.name ?? `agent-${input.port}-${Date.now().toString(36)}`,
    token_auth: input.token_auth ?? (publish && isHttp ? true : undefined),
    hostname: input.stable_domain,
    port: input.tcp_port,
    rstream_auth: input.rstream_auth,
    challenge_mode: input.challenge_mode,
    mtls_auth: input.mtls,
    upstream_tls: input.upstream_tls,
    tls_mode: input.tls_mode,
    tls_alpns: input.tls_alpns,
    tls_ciphers: input.tls_ciphers,
    tls_min_version: input.tls_min_version,
    geo_ip: input.geoip,
    trusted_ips: input.trusted_ips,
    labels: {
      ...input.labels,
      [wellKnownLabels.applicationProtocol]: application,
      [kindLabel]: 'agent',
      [port]: String(input.port),
    },
  };
  const parsed = TunnelProperties.safeParse(Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)));
  if (!parsed.success)
    throw new RstreamError('INVALID_REQUEST', parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  const [broken] = tunnelRuleViolations(parsed.data);
  if (broken !== undefined) throw new RstreamError('INVALID_REQUEST', `${broken.message}.`, { details: { field: broken.field } });
  return parsed.data;
}
