import { randomUUID } from 'node:crypto';
import { RstreamError } from '@rstream/protocol';
import type { AuthClaims, Permission, ProjectRef, ResourceNode } from '@rstream/protocol/claims';
import type { TokenCreate } from '@rstream/protocol/control';
import { evaluate, refusalError } from './grant/evaluate.ts';
import type { Grant } from './grant/grant.ts';
import { checkedTtl, epochSeconds } from './lifetime.ts';
import { checkedResources, leavesOf, withDefaultProject } from './resources.ts';

export interface DelegateOptions {
  /** The project at whose engine the token was asked for; leaves that name no target get it. Default: the parent's project. */
  readonly project?: ProjectRef;
  /** Epoch ms. */
  readonly now?: number;
}

/**
 * Claims of a short-lived child of a grant, for `mintAuthToken`. The child never has more than the parent: permissions must be
 * a subset (null = all of the parent's), the parent's own claims are carried along as one side of an AND, it lives no longer,
 * and it dies when the credential changes or goes. Needs `account.tokens.create`.
 * Throws `FORBIDDEN`, `INVALID_REQUEST` or, when the parent has expired, `UNAUTHORIZED`.
 */
export function delegate(parent: Grant, request: TokenCreate, options: DelegateOptions = {}): AuthClaims {
  const { project, now = Date.now() } = options;
  const right = { type: 'control', permission: 'account.tokens.create', ...(project === undefined ? {} : { project }) } as const;
  const decision = evaluate(parent, right, now);
  if (!decision.allowed) throw refusalError(decision);
  const resources = childResources(parent, request, project?.id ?? parent.projectId);
  const iat = epochSeconds(now);
  return {
    type: 'auth',
    userId: parent.userId,
    permissions: childPermissions(parent, request.permissions),
    jti: randomUUID(),
    iat,
    exp: childExpiry(parent, iat, checkedTtl(request.expires_in)),
    sourceCredentialId: parent.credentialId,
    sourceCredentialUpdatedAt: parent.credentialUpdatedAt,
    ...(resources === undefined ? {} : { resources }),
  };
}

function childPermissions(parent: Grant, asked: readonly Permission[] | null): Permission[] | null {
  const own = parent.layers.find((layer) => layer.name === 'claims')?.permissions ?? null;
  if (asked === null) return own === null ? null : [...own];
  const missing = asked.find((permission) => parent.layers.some((layer) => layer.permissions?.includes(permission) === false));
  if (missing !== undefined) {
    throw new RstreamError('FORBIDDEN', `A delegated token cannot have the permission ${missing}: its parent lacks it.`, {
      details: { reason: 'permission', permission: missing },
    });
  }
  return [...asked];
}

function childResources(parent: Grant, request: TokenCreate, projectId: string | undefined): AuthClaims['resources'] {
  const own = parent.layers.find((layer) => layer.name === 'claims')?.bounds ?? [];
  const asked = request.resources === undefined ? undefined : checkedResources(request.resources).tunnels;
  if (asked !== undefined) checkTargets(parent, asked);
  const scoped = asked === undefined || projectId === undefined ? asked : withDefaultProject(asked, projectId);
  const [first, ...rest] = [...own.flatMap(conjuncts), ...(scoped === undefined ? [] : conjuncts(scoped))];
  if (first === undefined) return undefined;
  return checkedResources({ tunnels: rest.length === 0 ? first : { AND: [first, ...rest] } });
}

// A chain of delegations stays one flat AND instead of nesting deeper with each link.
function conjuncts(node: ResourceNode): readonly ResourceNode[] {
  return 'AND' in node ? node.AND : [node];
}

function checkTargets(parent: Grant, asked: ResourceNode): void {
  const { projectId } = parent;
  const outside = leavesOf(asked).find((leaf) => projectId !== undefined && leaf.projects?.includes(projectId) === false);
  if (outside === undefined) return;
  throw new RstreamError('FORBIDDEN', 'A delegated token cannot reach another project than its parent.', { details: { reason: 'target' } });
}

function childExpiry(parent: Grant, iat: number, ttl: number): number {
  const parentEnd = parent.expiresAt === undefined ? Infinity : epochSeconds(parent.expiresAt);
  const exp = Math.min(iat + ttl, parentEnd);
  if (exp <= iat) throw new RstreamError('UNAUTHORIZED', 'The token is about to expire and can delegate nothing.');
  return exp;
}
