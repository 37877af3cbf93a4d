import type { LimitTable } from './limit.ts';

/** WebTTY sessions and commands. */
export const webttyLimits = {
  messageBytes: { default: 1_048_576, unit: 'bytes', about: 'One WebTTY message.' },
  openTimeout: { default: 5_000, unit: 'ms', about: 'From connection to a started command.' },
} as const satisfies LimitTable;
