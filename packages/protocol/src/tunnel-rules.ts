import type { TunnelProperties } from './tunnel.ts';

/** One broken rule: the field and a sentence. */
export interface TunnelRuleViolation {
  readonly field: keyof TunnelProperties;
  readonly message: string;
}

type Rule = (p: TunnelProperties) => TunnelRuleViolation | undefined;

const edgePolicies = ['token_auth', 'rstream_auth', 'challenge_mode'] as const;
const tcpExcludes = [
  'hostname',
  'tls_mode',
  'tls_alpns',
  'tls_min_version',
  'tls_ciphers',
  'mtls_auth',
  'http_version',
  'token_auth',
  'rstream_auth',
  'challenge_mode',
  'upstream_tls',
  'datagram_guaranteed_delivery',
] as const;
const publishedOnly = ['hostname', 'token_auth', 'rstream_auth', 'challenge_mode', 'geo_ip', 'trusted_ips', 'port'] as const;

const isSet = (value: unknown): boolean => value !== undefined && value !== false;

/** The combination rules of the published rstream tunnel properties, one function each, in the order in which they are reported. */
const rules: readonly Rule[] = [
  (p) => (p.port !== undefined && p.protocol !== 'tcp' ? { field: 'port', message: 'port is only for protocol tcp' } : undefined),
  (p) => (p.protocol === 'tcp' && p.publish === false ? { field: 'publish', message: 'a tcp tunnel must be published' } : undefined),
  (p) => {
    const bad = p.protocol === 'tcp' ? tcpExcludes.find((field) => isSet(p[field])) : undefined;
    return bad === undefined ? undefined : { field: bad, message: `${bad} does not go with protocol tcp` };
  },
  (p) => {
    const bad = p.publish === false ? publishedOnly.find((field) => isSet(p[field])) : undefined;
    return bad === undefined ? undefined : { field: bad, message: `${bad} needs a published tunnel` };
  },
  (p) => {
    const bad = p.protocol !== undefined && p.protocol !== 'http' ? edgePolicies.find((field) => isSet(p[field])) : undefined;
    return bad === undefined ? undefined : { field: bad, message: `${bad} needs protocol http` };
  },
  (p) => {
    const stream =
      p.protocol === 'tls' || p.protocol === 'tcp' || p.protocol === 'webtty' || (p.protocol === 'http' && p.http_version !== 'h3');
    return stream && p.type === 'datagram' ? { field: 'type', message: `protocol ${p.protocol} is a bytestream` } : undefined;
  },
  (p) => {
    const datagram = p.protocol === 'dtls' || p.protocol === 'quic' || (p.protocol === 'http' && p.http_version === 'h3');
    return datagram && p.type === 'bytestream' ? { field: 'type', message: `protocol ${p.protocol} is datagram` } : undefined;
  },
  (p) =>
    p.publish === false && (p.protocol === 'dtls' || p.protocol === 'quic')
      ? { field: 'protocol', message: `a private tunnel cannot have protocol ${p.protocol}` }
      : undefined,
  (p) =>
    p.publish !== false && p.protocol === undefined && p.type === 'datagram'
      ? { field: 'protocol', message: 'a raw datagram tunnel cannot be published without a protocol' }
      : undefined,
  (p) =>
    p.upstream_tls === true && p.http_version !== undefined && p.http_version !== 'h3'
      ? { field: 'http_version', message: 'http_version does not go with upstream_tls' }
      : undefined,
  (p) => {
    const bad =
      p.tls_mode === 'passthrough'
        ? (['tls_min_version', 'mtls_auth', 'upstream_tls'] as const).find((field) => isSet(p[field]))
        : undefined;
    return bad === undefined ? undefined : { field: bad, message: `${bad} does not go with tls_mode passthrough` };
  },
  (p) =>
    p.mtls_auth === true && p.rstream_auth === true
      ? { field: 'mtls_auth', message: 'mtls_auth and rstream_auth exclude each other' }
      : undefined,
];

/** Every rule that the properties break; empty when they may be opened. */
export function tunnelRuleViolations(properties: TunnelProperties): TunnelRuleViolation[] {
  return rules.flatMap((rule) => rule(properties) ?? []);
}
