import type { LimitTable } from './limit.ts';

/** Relay sessions, registry and private dialling. */
export const relayLimits = {
  openHeaderBytes: { default: 16_384, unit: 'bytes', about: 'Header that opens a stream.' },
  controlMessageBytes: { default: 65_535, unit: 'bytes', about: 'One message on the control stream.' },
  openTimeout: { default: 10_000, unit: 'ms', about: 'Wait for the far end to accept or refuse a stream.' },
  helloTimeout: { default: 10_000, unit: 'ms', about: 'Wait for the first message of a new session.' },
  tunnelsPerClient: { default: 256, unit: 'count', about: 'Tunnels that one session may hold.' },
  clients: { default: 20_000, unit: 'count', about: 'Client sessions of one relay at once.' },
  dialsPerClient: { default: 1_024, unit: 'count', about: 'Private streams that one session may hold as the dialling side.' },
  offlineRetention: { default: 60_000, unit: 'ms', about: 'How long a lost client and its tunnels stay in the inventory as offline.' },
  offlineMemory: {
    default: 600_000,
    unit: 'ms',
    about: 'How long the host name of a vanished tunnel reads as offline instead of unknown.',
  },
  offlineHostnames: { default: 10_000, unit: 'count', about: 'Host names of vanished tunnels that are remembered.' },
  watchers: { default: 1_024, unit: 'count', about: 'Inventory watchers of one project.' },
  watchQueue: { default: 1_024, unit: 'count', about: 'Events that wait for one inventory watcher before it is cut.' },
  drainRetryAfter: { default: 1_000, unit: 'ms', about: 'When a client of a draining relay should connect again.' },
} as const satisfies LimitTable;
