import type { LimitTable } from './limit.ts';

/** The control-plane and engine REST API. */
export const controlLimits = {
  requestBytes: { default: 1_048_576, unit: 'bytes', about: 'Body of an API request.' },
  requestTimeout: { default: 10_000, unit: 'ms', about: 'One API call of the client.' },
} as const satisfies LimitTable;
