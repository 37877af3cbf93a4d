import type { LimitTable } from './limit.ts';

/** The configuration file. */
export const configLimits = {
  fileBytes: { default: 1_048_576, unit: 'bytes', about: 'The configuration file.' },
} as const satisfies LimitTable;
