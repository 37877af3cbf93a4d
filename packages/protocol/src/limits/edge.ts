import type { LimitTable } from './limit.ts';

/** Public HTTP listeners. */
export const edgeLimits = {
  headBytes: { default: 32_768, unit: 'bytes', about: 'Request line and headers together.' },
  headCount: { default: 200, unit: 'count', about: 'Header fields of one request.' },
  headTimeout: { default: 15_000, unit: 'ms', about: 'Receiving a whole request head.' },
  idleTimeout: {
    default: 90_000,
    unit: 'ms',
    about: 'A kept-alive connection without a request, and a request body that stopped arriving.',
  },
  responseTimeout: { default: 60_000, unit: 'ms', about: 'Wait for the first byte of an answer from the service.' },
  responseHeadBytes: { default: 131_072, unit: 'bytes', about: 'Status line and headers of a response.' },
  chunkLineBytes: { default: 1_024, unit: 'bytes', about: 'Size line of one body chunk, with its extensions.' },
  chunkExtensionBytes: { default: 16_384, unit: 'bytes', about: 'Chunk extensions of one body together.' },
  trailerBytes: { default: 8_192, unit: 'bytes', about: 'Trailer fields after a chunked body.' },
  pipelinedRequests: { default: 64, unit: 'count', about: 'Requests of one connection that wait for their answers.' },
  lingerTimeout: {
    default: 2_000,
    unit: 'ms',
    about: 'Reading on after the relay answered, so that the client can still read the answer.',
  },
  refusalWait: {
    default: 30_000,
    unit: 'ms',
    about: 'Letting earlier responses finish before a later request of the same connection is refused.',
  },
  sweepInterval: {
    default: 1_000,
    unit: 'ms',
    about: 'How often deadlines, expiries and revocations of running connections are looked at.',
  },
  connections: { default: 20_000, unit: 'count', about: 'Public connections at once.' },
  connectionsPerIp: { default: 2_048, unit: 'count', about: 'Public connections from one address at once.' },
  streamsPerTunnel: { default: 8_192, unit: 'count', about: 'Running streams of one tunnel.' },
} as const satisfies LimitTable;
