import type { LimitTable } from './limit.ts';

/** Carriers: how a session reaches the relay. */
export const carrierLimits = {
  connectTimeout: { default: 10_000, unit: 'ms', about: 'Opening a carrier, from name look-up to the answer of the relay.' },
} as const satisfies LimitTable;
