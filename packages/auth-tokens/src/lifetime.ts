import { RstreamError } from '@rstream/protocol';
import { tokenLimits } from '@rstream/protocol/limits';

const minTtl = tokenLimits.delegatedTtlMin.default;
const maxTtl = tokenLimits.delegatedTtlMax.default;

/** Seconds since the epoch, as JWT claims count. */
export function epochSeconds(nowMs: number): number {
  return Math.floor(nowMs / 1000);
}

/** Life in seconds of a delegated or application token: an integer in 1–3600, default 60. Throws `INVALID_REQUEST`. */
export function checkedTtl(ttl: number = tokenLimits.delegatedTtl.default): number {
  if (Number.isInteger(ttl) && ttl >= minTtl && ttl <= maxTtl) return ttl;
  throw new RstreamError('INVALID_REQUEST', `The life of a token is a whole number of seconds from ${minTtl} to ${maxTtl}.`);
}

interface Times {
  readonly iat?: number | undefined;
  readonly nbf?: number | undefined;
  readonly exp?: number | undefined;
}

/**
 * What is wrong with the times of a token at `now` (epoch seconds); undefined = nothing. Expiry has no tolerance, because the
 * holder can always be late; a start in the future has the clock tolerance, because the issuer's clock may be ahead.
 */
export function timeProblem(times: Times, now: number): string | undefined {
  const { iat, nbf, exp } = times;
  if (exp !== undefined && exp <= now) return 'has expired';
  if (iat !== undefined && iat > now + tokenLimits.clockSkew.default) return 'was issued in the future';
  if (nbf !== undefined && nbf > now + tokenLimits.clockSkew.default) return 'is not valid yet';
  return undefined;
}

/** True when a token's whole life, from issue to expiry, is within the bounds for short-lived tokens. */
export function isShortLived(times: Times): boolean {
  const { iat, exp } = times;
  return iat !== undefined && exp !== undefined && exp - iat >= minTtl && exp - iat <= maxTtl;
}
