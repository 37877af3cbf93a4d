import type { LimitTable } from './limit.ts';

/** Tokens. */
export const tokenLimits = {
  delegatedTtlMax: { default: 3_600, unit: 's', about: 'Longest life of a delegated or application token.' },
  delegatedTtlMin: { default: 1, unit: 's', about: 'Shortest life of a delegated or application token.' },
  delegatedTtl: { default: 60, unit: 's', about: 'Life of a delegated token when none is asked for.' },
} as const satisfies LimitTable;
