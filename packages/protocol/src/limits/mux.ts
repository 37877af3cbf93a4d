import type { LimitTable } from './limit.ts';

/** Multiplexer sessions and streams. */
export const muxLimits = {
  initialWindow: { default: 1_048_576, unit: 'bytes', about: 'Receive window that a stream starts with.' },
  maxWindow: { default: 16_777_216, unit: 'bytes', about: 'Largest receive window that auto-tuning gives one stream.' },
  sessionMemory: { default: 67_108_864, unit: 'bytes', about: 'Sum of the windows above their initial size in one session.' },
  maxStreams: { default: 16_384, unit: 'count', about: 'Open streams in one session.' },
  acceptBacklog: { default: 1_024, unit: 'count', about: 'Streams opened by the peer and not yet accepted.' },
  maxFrame: { default: 65_536, unit: 'bytes', about: 'Payload of a data frame that is sent.' },
  keepaliveInterval: { default: 4_000, unit: 'ms', about: 'Silence after which a session is pinged.' },
  keepaliveTimeout: { default: 4_000, unit: 'ms', about: 'Wait for the answer to a keepalive ping.' },
} as const satisfies LimitTable;
