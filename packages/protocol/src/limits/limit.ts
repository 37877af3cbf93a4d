/** A named bound: what it bounds, in which unit, and its default. */
export interface Limit {
  readonly default: number;
  readonly unit: 'bytes' | 'ms' | 's' | 'count' | 'per second' | 'characters' | 'factor';
  readonly about: string;
}

/** The limits of one area of the product. */
export type LimitTable = Readonly<Record<string, Limit>>;
