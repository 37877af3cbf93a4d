import type { LimitTable } from './limit.ts';

/** Carriers: how a session reaches the relay, how it is kept, and what happens behind it. */
export const carrierLimits = {
  connectTimeout: { default: 10_000, unit: 'ms', about: 'Opening a carrier, from name look-up to the answer of the relay.' },
  helloTimeout: { default: 10_000, unit: 'ms', about: 'Wait for the welcome of the relay on a new session.' },
  refusalBytes: { default: 65_536, unit: 'bytes', about: 'Body of the HTTP answer that refuses a carrier.' },
  websocketMessageOut: {
    default: 65_536,
    unit: 'bytes',
    about: 'Largest message that the websocket carrier joins from one batch of writes.',
  },
  websocketMessageIn: { default: 1_048_576, unit: 'bytes', about: 'Largest message that the websocket carrier accepts.' },
  websocketCloseTimeout: { default: 5_000, unit: 'ms', about: 'Wait for the closing handshake of a websocket carrier.' },
  fallbackMemory: {
    default: 600_000,
    unit: 'ms',
    about: 'How long an engine that needed the websocket fallback is reached that way first.',
  },
  fallbackTargets: { default: 64, unit: 'count', about: 'Engines whose need for the fallback is remembered.' },
  reconnectMinDelay: { default: 200, unit: 'ms', about: 'First wait before connecting again.' },
  reconnectMaxDelay: { default: 15_000, unit: 'ms', about: 'Longest wait before connecting again.' },
  reconnectFactor: { default: 1.7, unit: 'factor', about: 'Growth of the wait from one failed attempt to the next.' },
  reconnectStable: { default: 10_000, unit: 'ms', about: 'Life of a session after which the next wait starts small again.' },
  conflictGrace: { default: 30_000, unit: 'ms', about: 'How long a tunnel name held by someone else is asked for again.' },
  acceptBacklog: { default: 256, unit: 'count', about: 'Streams of one tunnel that wait for a handler.' },
  controlBacklogBytes: { default: 1_048_576, unit: 'bytes', about: 'Control messages that wait for a peer that does not read them.' },
  serviceTimeout: { default: 8_000, unit: 'ms', about: 'Connecting to the local service behind a tunnel.' },
  warmSockets: { default: 16, unit: 'count', about: 'Connections to one local service that are kept ready.' },
  warmIdle: { default: 2_000, unit: 'ms', about: 'Life of a ready connection that nobody takes.' },
} as const satisfies LimitTable;
