import { TunnelProperties } from '@rstream/protocol/tunnel';
import { tunnelRuleViolations } from '@rstream/protocol/tunnel-rules';
import { commaList, flag, integer, optionalChoice, parsePairs, repeated, text, toggle, usage, type OptionValues } from '../option.ts';

/** The options of `forward` that become properties of the tunnel, named as in the published command line. */
export const propertyOptions = {
  name: text('--name <name>', 'name of the tunnel, unique in the project'),
  publish: toggle('publish', 'reachable under a public host name (the default); --no-publish: by private dial only'),
  http: flag('--http', 'HTTP (the default of a published tunnel)'),
  tls: flag('--tls', 'TLS'),
  tcp: flag('--tcp', 'TCP'),
  dtls: flag('--dtls', 'DTLS'),
  quic: flag('--quic', 'QUIC'),
  bytestream: flag('--bytestream', 'a stream of bytes'),
  datagram: flag('--datagram', 'datagrams'),
  host: text('--host <hostname>', 'host name to ask for'),
  port: integer('--port <port>', 'public port, with --tcp', { min: 1, max: 65_535 }),
  label: repeated('--label <key=value>', 'label of the tunnel; repeatable'),
  tokenAuth: toggle('token-auth', 'visitors need a token'),
  rstreamAuth: toggle('rstream-auth', 'visitors log in'),
  challengeMode: toggle('challenge-mode', 'visitors pass a challenge'),
  geoip: commaList('--geoip <countries>', 'countries that may visit, such as FR,DE'),
  trustedIps: commaList('--trusted-ips <networks>', 'networks that may visit, such as 192.0.2.0/24'),
  httpVersion: optionalChoice('--http-version <version>', ['http/1.1', 'h2c', 'h3'], 'version that the service speaks'),
  upstreamTls: toggle('upstream-tls', 'the service speaks TLS'),
  tlsMode: optionalChoice('--tls-mode <mode>', ['terminated', 'passthrough'], 'who ends TLS'),
  tlsAlpn: commaList('--tls-alpn <protocols>', 'ALPN protocols'),
  tlsMinVersion: optionalChoice('--tls-min-version <version>', ['tls1.2', 'tls1.3'], 'lowest TLS version'),
  tlsCiphers: commaList('--tls-ciphers <ciphers>', 'TLS ciphers'),
  mtls: toggle('mtls', 'visitors need a client certificate'),
};

const protocols = ['http', 'tls', 'tcp', 'dtls', 'quic'] as const;
const types = ['bytestream', 'datagram'] as const;

/** Checks the options against the schema and the rules of tunnels. @throws RstreamError `ERR_RSTREAM_USAGE` naming the field */
export function tunnelProperties(options: OptionValues<typeof propertyOptions>): TunnelProperties {
  const properties = {
    name: options.name,
    publish: options.publish,
    protocol: oneOf(options, protocols),
    type: oneOf(options, types),
    hostname: options.host,
    port: options.port,
    labels: options.label.length === 0 ? undefined : parsePairs(options.label, '--label'),
    token_auth: options.tokenAuth,
    rstream_auth: options.rstreamAuth,
    challenge_mode: options.challengeMode,
    geo_ip: options.geoip,
    trusted_ips: options.trustedIps,
    http_version: options.httpVersion,
    upstream_tls: options.upstreamTls,
    tls_mode: options.tlsMode,
    tls_alpns: options.tlsAlpn,
    tls_min_version: options.tlsMinVersion,
    tls_ciphers: options.tlsCiphers,
    mtls_auth: options.mtls,
  };
  const parsed = TunnelProperties.safeParse(Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw usage(`${issue?.path.join('.') ?? 'A property'}: ${issue?.message ?? 'not valid'}.`);
  }
  const [violation] = tunnelRuleViolations(parsed.data);
  if (violation !== undefined) throw usage(`${violation.message.charAt(0).toUpperCase()}${violation.message.slice(1)}.`);
  return parsed.data;
}

function oneOf<const Word extends string>(given: Readonly<Record<Word, boolean>>, words: readonly Word[]): Word | undefined {
  const [first, second] = words.filter((word) => given[word]);
  if (second !== undefined) throw usage(`--${first} and --${second} exclude each other.`);
  return first;
}

/** Reads `[[host:]port]`; default `localhost:8080`. An IPv6 address is written in brackets. */
export function parseService(written: string | undefined): { host: string; port: number } {
  const match = /^(?:(\[[0-9a-f:.]+\]|[^:[\]\s/]+):)?(\d{1,5})$/i.exec(written ?? 'localhost:8080');
  const port = Number(match?.[2]);
  if (match === null || port < 1 || port > 65_535) throw usage(`"${written ?? ''}" is not PORT or HOST:PORT.`);
  return { host: (match[1] ?? 'localhost').replace(/^\[|\]$/g, ''), port };
}
