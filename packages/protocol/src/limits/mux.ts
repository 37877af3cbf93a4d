import type { LimitTable } from './limit.ts';

/** Multiplexer sessions and streams. */
export const muxLimits = {
  initialWindow: { default: 1_048_576, unit: 'bytes', about: 'Receive window that a stream starts with.' },
  maxWindow: { default: 16_777_216, unit: 'bytes', about: 'Largest receive window that auto-tuning gives one stream.' },
  sessionMemory: {
    default: 67_108_864,
    unit: 'bytes',
    about: 'Sum of what the windows of one session hold above the 256 KiB that the wire gives every stream.',
  },
  maxStreams: { default: 16_384, unit: 'count', about: 'Open streams in one session.' },
  acceptBacklog: {
    default: 256,
    unit: 'count',
    about: 'Streams opened and not yet acknowledged by the peer; later ones wait their turn.',
  },
  maxFrame: { default: 65_536, unit: 'bytes', about: 'Payload of a data frame that is sent; also the turn of one stream.' },
  batch: { default: 524_288, unit: 'bytes', about: 'Frames handed to the carrier in one write.' },
  promptStreams: {
    default: 8,
    unit: 'count',
    about: 'Open streams up to which each write leaves at once instead of with those of the same turn.',
  },
  copiedPayload: {
    default: 2_048,
    unit: 'bytes',
    about: 'Largest payload that is copied beside its header instead of written by reference.',
  },
  streamSendBuffer: {
    default: 262_144,
    unit: 'bytes',
    about: 'Written to a stream and not yet taken by the carrier before write() asks to wait.',
  },
  streamReadBuffer: {
    default: 16_384,
    unit: 'bytes',
    about: 'Handed to the reader of a stream ahead of its reads; the rest waits in the window.',
  },
  unsentControl: {
    default: 131_072,
    unit: 'bytes',
    about: 'Control frames that wait for a peer that does not read; more ends the session.',
  },
  keepaliveInterval: { default: 4_000, unit: 'ms', about: 'Silence after which a session is pinged.' },
  keepaliveTimeout: { default: 4_000, unit: 'ms', about: 'Wait for the answer to a keepalive ping.' },
  pingTimeout: { default: 10_000, unit: 'ms', about: 'Wait for the answer to a ping that names no signal of its own.' },
  pingsInFlight: { default: 32, unit: 'count', about: 'Pings of one session that wait for an answer.' },
  rttAge: { default: 5_000, unit: 'ms', about: 'Age at which a busy session measures its round trip again.' },
  closeTimeout: { default: 1_000, unit: 'ms', about: 'Wait for the carrier to flush and end when a session closes.' },
  floodPings: { default: 200, unit: 'per second', about: 'Pings accepted from a peer, with a burst of ten seconds.' },
  floodResets: {
    default: 5_000,
    unit: 'per second',
    about: 'Streams that a peer resets or that are refused, with a burst of ten seconds.',
  },
  floodEmpty: { default: 1_000, unit: 'per second', about: 'Frames that carry nothing, with a burst of ten seconds.' },
} as const satisfies LimitTable;
