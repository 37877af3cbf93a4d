import { edgeLimits, relayLimits } from '@rstream/protocol/limits';

const tables = { ...relayLimits, ...edgeLimits };

/** Effective limits of one relay, by the names of `relayLimits` and `edgeLimits`. */
export type EffectiveLimits = { readonly [K in keyof typeof tables]: number };

/** The defaults with overrides; names that are no limit are ignored. */
export function effectiveLimits(overrides: Readonly<Record<string, number>> = {}): EffectiveLimits {
  const entries = Object.entries(tables).map(([name, limit]) => [name, overrides[name] ?? limit.default]);
  return Object.fromEntries(entries) as EffectiveLimits;
}
