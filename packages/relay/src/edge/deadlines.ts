import type { EffectiveLimits } from '../limits.ts';

/** What a connection is doing, as far as its deadlines care. Ages are in milliseconds. */
export interface Situation {
  /** Since anything last moved. */
  readonly quiet: number;
  /** Since an unfinished head began, or since the connection was made when it has not asked for anything yet. */
  readonly headAge: number | undefined;
  /** The age is that of a head, not of a connection that never spoke. */
  readonly hasHeadBegun: boolean;
  /** The visitor does not read what we send. */
  readonly isStalled: boolean;
  /** The visitor is in the middle of a request body, and nobody but he keeps it from arriving. */
  readonly isUploading: boolean;
  /** A request was passed on and no byte of its answer has come. */
  readonly isAwaiting: boolean;
  /** Some exchange is under way. */
  readonly isBusy: boolean;
}

/** What to do about it: cut the connection, end it quietly, or give up on the request with a code. */
export type Overdue = 'cut' | 'close' | 'REQUEST_TIMEOUT' | 'UPSTREAM_TIMEOUT';

/** The deadline that has passed, if one has. A response that has begun has none: it may stream for days. */
export function overdue(now: Situation, limits: EffectiveLimits): Overdue | undefined {
  if (now.isStalled) return now.quiet > limits.idleTimeout ? 'cut' : undefined;
  if (now.isUploading && now.quiet > limits.idleTimeout) return 'REQUEST_TIMEOUT';
  if (now.isAwaiting) return now.quiet > limits.responseTimeout ? 'UPSTREAM_TIMEOUT' : undefined;
  if (now.headAge !== undefined) {
    if (now.headAge <= limits.headTimeout) return undefined;
    return now.hasHeadBegun ? 'REQUEST_TIMEOUT' : 'close';
  }
  return !now.isBusy && now.quiet > limits.idleTimeout ? 'close' : undefined;
}
