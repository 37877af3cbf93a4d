import { RstreamError } from '@rstream/protocol';
import type { Action, Permission } from '@rstream/protocol/claims';
import { allOf, compileBound, progress, type Progress, type Subject } from './bound.ts';
import type { Grant } from './grant.ts';
import { requirementsOf, type Requirement } from './requirement.ts';
import { isBlind, selectOf } from './select.ts';

/** Which hurdle a refused action did not pass. */
export type RefusalReason = 'expired' | 'permission' | 'target' | 'scope' | 'filter' | 'path';

export interface Refusal {
  readonly allowed: false;
  readonly code: 'UNAUTHORIZED' | 'FORBIDDEN';
  readonly reason: RefusalReason;
  /** A permission that would allow the action. */
  readonly permission?: Permission;
  readonly message: string;
}

/** `select`: the inventory fields that a listing shows, for `selectFields`; absent = all. */
export type Decision = { readonly allowed: true; readonly select?: Record<string, boolean> } | Refusal;

/** A grant made ready for many questions. */
export interface CompiledGrant {
  readonly grant: Grant;
  /** `now` is epoch ms; a grant that has expired allows nothing. */
  allows(action: Action, now?: number): Decision;
}

const allowed: Decision = Object.freeze({ allowed: true });
const compiled = new WeakMap<Grant, CompiledGrant>();

/** Decides one action. The compiled form is kept with the grant, so asking the same grant again is cheap. */
export function evaluate(grant: Grant, action: Action, now?: number): Decision {
  const ready = compiled.get(grant) ?? compileGrant(grant);
  return ready.allows(action, now);
}

/** Compiles a grant once, for callers that ask on every request: no parsing, and nothing allocated when the answer is a plain yes. */
export function compileGrant(grant: Grant): CompiledGrant {
  const permits = compilePermissions(grant);
  const bound = allOf(grant.layers.flatMap((layer) => layer.bounds.map(compileBound)));
  const { expiresAt } = grant;

  const reached = (subject: Subject, requirement: Requirement): Progress => {
    if (!permits(requirement.permission)) return progress.permission;
    if (requirement.scopes.length === 0) return bound.check(subject, undefined);
    let least: Progress = progress.allowed;
    for (const scope of requirement.scopes) {
      const result = bound.check(subject, scope);
      if (result < least) least = result;
    }
    return least;
  };

  const allows = (action: Action, now: number = Date.now()): Decision => {
    if (expiresAt !== undefined && now >= expiresAt) return refusal('expired');
    const requirements = requirementsOf(action);
    let most: Progress = progress.permission;
    for (const requirement of requirements) {
      const result = reached(action, requirement);
      if (result === progress.allowed) return action.type === 'tunnel.list' ? listing(action) : allowed;
      if (result > most) most = result;
    }
    return refusal(reasons[most], requirements[0]?.permission);
  };

  const listing = (subject: Subject): Decision => {
    const fields = bound.visible(subject);
    if (isBlind(fields)) return refusal('scope', 'tunnels.resources.read-only');
    const select = selectOf(fields);
    return select === undefined ? allowed : { allowed: true, select };
  };

  const ready = { grant, allows };
  compiled.set(grant, ready);
  return ready;
}

/** Permissions that every layer has. */
function compilePermissions(grant: Grant): (permission: Permission) => boolean {
  const sets = grant.layers.flatMap((layer) => (layer.permissions === null ? [] : [new Set(layer.permissions)]));
  return (permission) => sets.every((set) => set.has(permission));
}

const reasons = ['permission', 'target', 'scope', 'filter', 'path', 'scope'] as const satisfies readonly RefusalReason[];

const sentences: Readonly<Record<RefusalReason, string>> = {
  expired: 'The token has expired.',
  permission: 'The token lacks the permission',
  target: 'The token is not for this project or workspace.',
  scope: 'The resource scopes of the token do not allow this action here.',
  filter: 'The filters in the resource scopes of the token leave this tunnel out.',
  path: 'The token does not allow this path, or the path could be read in two ways.',
};

function refusal(reason: RefusalReason, permission?: Permission): Refusal {
  const sentence = sentences[reason];
  return {
    allowed: false,
    code: reason === 'expired' ? 'UNAUTHORIZED' : 'FORBIDDEN',
    reason,
    ...(permission === undefined ? {} : { permission }),
    message: reason === 'permission' ? `${sentence} ${permission}.` : sentence,
  };
}

/** A refusal as the error that a caller may be sent. */
export function refusalError({ code, message, reason, permission }: Refusal): RstreamError {
  return new RstreamError(code, message, { details: { reason, ...(permission === undefined ? {} : { permission }) } });
}
