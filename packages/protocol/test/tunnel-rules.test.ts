import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TunnelProperties } from '@rstream/protocol/tunnel';
import { tunnelRuleViolations } from '@rstream/protocol/tunnel-rules';

type Field = keyof TunnelProperties;
/** Properties, and the fields that break a rule. */
type Case = [TunnelProperties, ...Field[]];

const tcp = { protocol: 'tcp' } as const;
const http = { protocol: 'http' } as const;
const hidden = { publish: false } as const;

const rules: Record<string, Case[]> = {
  'nothing asked for is a published tunnel': [[{}], [{ publish: true }]],
  'port is only for tcp': [
    [{ ...tcp, port: 2222 }],
    [{ ...http, port: 80 }, 'port'],
    [{ port: 80 }, 'port'],
    [{ protocol: 'tls', port: 443 }, 'port'],
  ],
  'tcp is published': [[{ ...tcp, publish: true }], [{ ...tcp, ...hidden }, 'publish']],
  'tcp is a bytestream': [[{ ...tcp, type: 'bytestream' }], [{ ...tcp, type: 'datagram' }, 'type']],
  'tcp carries no TLS, HTTP, auth or datagram option': [
    [{ ...tcp, labels: { a: 'b' }, geo_ip: ['FR'], trusted_ips: ['10.0.0.0/8'] }],
    [{ ...tcp, hostname: 'a.example' }, 'hostname'],
    [{ ...tcp, tls_mode: 'terminated' }, 'tls_mode'],
    [{ ...tcp, tls_alpns: ['h2'] }, 'tls_alpns'],
    [{ ...tcp, tls_min_version: 'tls1.3' }, 'tls_min_version'],
    [{ ...tcp, tls_ciphers: ['TLS_AES_128_GCM_SHA256'] }, 'tls_ciphers'],
    [{ ...tcp, mtls_auth: true }, 'mtls_auth'],
    [{ ...tcp, http_version: 'http/1.1' }, 'http_version'],
    [{ ...tcp, token_auth: true }, 'token_auth', 'token_auth'],
    [{ ...tcp, rstream_auth: true }, 'rstream_auth', 'rstream_auth'],
    [{ ...tcp, challenge_mode: true }, 'challenge_mode', 'challenge_mode'],
    [{ ...tcp, upstream_tls: true }, 'upstream_tls'],
    [{ ...tcp, datagram_guaranteed_delivery: true }, 'datagram_guaranteed_delivery'],
    [{ ...tcp, token_auth: false, mtls_auth: false, upstream_tls: false }],
  ],
  'a private tunnel has nothing that only the public edge could do': [
    [hidden],
    [{ ...hidden, ...http }],
    [{ ...hidden, protocol: 'webtty' }],
    [{ ...hidden, protocol: 'tls', upstream_tls: true }],
    [{ ...hidden, token_auth: true }, 'token_auth'],
    [{ ...hidden, rstream_auth: true }, 'rstream_auth'],
    [{ ...hidden, challenge_mode: true }, 'challenge_mode'],
    [{ ...hidden, hostname: 'a.example' }, 'hostname'],
    [{ ...hidden, geo_ip: ['FR'] }, 'geo_ip'],
    [{ ...hidden, trusted_ips: ['10.0.0.0/8'] }, 'trusted_ips'],
  ],
  'a private tunnel is neither dtls nor quic': [
    [{ ...hidden, protocol: 'dtls' }, 'protocol'],
    [{ ...hidden, protocol: 'quic' }, 'protocol'],
    [{ protocol: 'quic' }],
  ],
  'edge policies need http': [
    [{ ...http, token_auth: true, challenge_mode: true }],
    [{ token_auth: true }],
    [{ ...http, rstream_auth: true }],
    [{ protocol: 'tls', token_auth: true }, 'token_auth'],
    [{ protocol: 'quic', rstream_auth: true }, 'rstream_auth'],
    [{ protocol: 'webtty', challenge_mode: true }, 'challenge_mode'],
  ],
  'a protocol decides between bytestream and datagram': [
    [{ protocol: 'tls', type: 'bytestream' }],
    [{ protocol: 'tls', type: 'datagram' }, 'type'],
    [{ protocol: 'webtty', type: 'datagram' }, 'type'],
    [{ ...http, type: 'datagram' }, 'type'],
    [{ ...http, http_version: 'h2c', type: 'datagram' }, 'type'],
    [{ ...http, http_version: 'h3', type: 'datagram' }],
    [{ ...http, http_version: 'h3', type: 'bytestream' }, 'type'],
    [{ protocol: 'dtls', type: 'bytestream' }, 'type'],
    [{ protocol: 'quic', type: 'bytestream' }, 'type'],
    [{ protocol: 'quic', type: 'datagram' }],
  ],
  'raw datagrams are private': [
    [{ type: 'datagram', ...hidden }],
    [{ type: 'datagram' }, 'protocol'],
    [{ type: 'datagram', publish: true }, 'protocol'],
  ],
  'upstream_tls chooses the HTTP version by itself, except for h3': [
    [{ ...http, upstream_tls: true }],
    [{ ...http, upstream_tls: true, http_version: 'http/1.1' }, 'http_version'],
    [{ ...http, upstream_tls: true, http_version: 'h3' }],
    [{ ...http, upstream_tls: false, http_version: 'h2c' }],
  ],
  'passthrough leaves TLS to the service': [
    [{ protocol: 'tls', tls_mode: 'passthrough' }],
    [{ protocol: 'tls', tls_mode: 'passthrough', tls_min_version: 'tls1.2' }, 'tls_min_version'],
    [{ protocol: 'tls', tls_mode: 'passthrough', mtls_auth: true }, 'mtls_auth'],
    [{ protocol: 'tls', tls_mode: 'passthrough', upstream_tls: true }, 'upstream_tls'],
    [{ protocol: 'tls', tls_mode: 'terminated', tls_min_version: 'tls1.2', mtls_auth: true }],
  ],
  'client certificates and rstream login exclude each other': [
    [{ ...http, mtls_auth: true }],
    [{ ...http, mtls_auth: true, rstream_auth: true }, 'mtls_auth'],
    [{ ...http, mtls_auth: true, rstream_auth: false }],
  ],
};

describe.each(Object.entries(rules))('%s', (_rule, cases) => {
  it.each(cases.map(([properties, ...fields]) => ({ properties, fields })))('$properties breaks $fields', ({ properties, fields }) => {
    expect(TunnelProperties.safeParse(properties).success).toBe(true);
    expect(tunnelRuleViolations(properties).map(({ field }) => field)).toEqual(fields);
  });
});

it('every violation names a field that was given or missing, in a sentence, for any combination', () => {
  const properties = fc.record(
    {
      publish: fc.boolean(),
      type: fc.constantFrom('bytestream' as const, 'datagram' as const),
      protocol: fc.constantFrom(...(['http', 'tls', 'tcp', 'dtls', 'quic', 'webtty'] as const)),
      port: fc.integer({ min: 1, max: 65_535 }),
      http_version: fc.constantFrom(...(['http/1.1', 'h2', 'h2c', 'h3'] as const)),
      tls_mode: fc.constantFrom('terminated' as const, 'passthrough' as const),
      token_auth: fc.boolean(),
      rstream_auth: fc.boolean(),
      mtls_auth: fc.boolean(),
      upstream_tls: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  const fields = Object.keys(TunnelProperties.shape);
  fc.assert(
    fc.property(properties, (some) => {
      for (const { field, message } of tunnelRuleViolations(some)) {
        expect(fields).toContain(field);
        expect(message.length).toBeGreaterThan(10);
      }
    }),
  );
});
