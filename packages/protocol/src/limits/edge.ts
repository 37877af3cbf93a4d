import type { LimitTable } from './limit.ts';

/** Public HTTP listeners. */
export const edgeLimits = {
  headBytes: { default: 32_768, unit: 'bytes', about: 'Request line and headers together.' },
  headTimeout: { default: 15_000, unit: 'ms', about: 'Receiving a whole request head.' },
  idleTimeout: { default: 90_000, unit: 'ms', about: 'A kept-alive connection without a request.' },
  responseTimeout: { default: 60_000, unit: 'ms', about: 'Wait for the first byte of an answer from the service.' },
} as const satisfies LimitTable;
