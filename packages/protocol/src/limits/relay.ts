import type { LimitTable } from './limit.ts';

/** Relay sessions, registry and private dialling. */
export const relayLimits = {
  openHeaderBytes: { default: 16_384, unit: 'bytes', about: 'Header that opens a stream.' },
  controlMessageBytes: { default: 65_535, unit: 'bytes', about: 'One message on the control stream.' },
  openTimeout: { default: 10_000, unit: 'ms', about: 'Wait for the far end to accept or refuse a stream.' },
  tunnelsPerClient: { default: 256, unit: 'count', about: 'Tunnels that one session may hold.' },
} as const satisfies LimitTable;
