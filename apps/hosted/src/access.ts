import type { Action, Permission, ProjectRef, TokenFamily } from '@rstream/protocol/claims';
import type { TokenCreate, TokenCreated } from '@rstream/protocol/control';
import type { Decision, Grant } from '@rstream/relay';

/** Who is asking, proven by a token, and what they may do. */
export interface Principal {
  readonly credentialId: string;
  readonly userId: string;
  readonly workspaceId: string;
  readonly family: TokenFamily;
  /** The permissions that this token can use at most; `null` = all of its owner. */
  readonly permissions: readonly Permission[] | null;
  /** Epoch milliseconds; `undefined` = until revoked. */
  readonly expiresAt: number | undefined;
  /** The one evaluator. */
  allows(action: Action): Decision;
  /** Whether this token may travel in a query string, where proxies and histories see it. */
  allowsQuery(): Decision;
  /**
   * A short-lived token with at most the rights of this one; scopes that name no target get `project`.
   * @throws RstreamError `FORBIDDEN` for more, `INVALID_REQUEST` for a bad request
   */
  delegate(request: TokenCreate, project?: ProjectRef): Promise<TokenCreated>;
}

/** Proves tokens. Every surface of the process, REST and tunnels, asks the same one. */
export interface Access {
  /** @throws RstreamError `UNAUTHORIZED` */
  authenticate(token: string): Promise<Principal>;
  /** Calls the listener with the id of each credential that is revoked. Returns the function that unsubscribes. */
  onRevoked(listener: (credentialId: string) => void): () => void;
}

/** A principal's rights in one project, in the shape that the relay asks for. */
export const grantIn = (principal: Principal, project: ProjectRef): Grant => ({
  credentialId: principal.credentialId,
  userId: principal.userId,
  workspaceId: principal.workspaceId,
  project,
  expiresAt: principal.expiresAt,
  allows: (action) => principal.allows(action),
});
