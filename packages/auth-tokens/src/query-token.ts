import type { ResourceLeaf } from '@rstream/protocol/claims';
import { tokenLimits } from '@rstream/protocol/limits';
import type { VerifiedToken } from './credential.ts';
import { epochSeconds, isShortLived, timeProblem } from './lifetime.ts';
import { leavesOf } from './resources.ts';

/**
 * Whether a token may stand in a URL of the watch endpoints, where histories and access logs can keep it: an `auth` or `app`
 * token, at most an hour long from issue to expiry and from now, which says of every branch that it lists and does nothing
 * else. A personal access token never may.
 */
export function queryTokenAllowed({ claims }: Pick<VerifiedToken, 'claims'>, now: number = Date.now()): boolean {
  if (claims.type === 'pat' || claims.resources === undefined) return false;
  const seconds = epochSeconds(now);
  if (!isShortLived(claims) || timeProblem(claims, seconds) !== undefined) return false;
  if (claims.exp > seconds + tokenLimits.delegatedTtlMax.default) return false;
  const permissions = claims.permissions ?? [];
  return (
    permissions.every((permission) => permission === 'tunnels.resources.read-only') && leavesOf(claims.resources.tunnels).every(listsOnly)
  );
}

function listsOnly({ scopes }: ResourceLeaf): boolean {
  const { list, create, connect } = scopes?.tunnels ?? {};
  return list !== undefined && list !== false && create === undefined && connect === undefined;
}
