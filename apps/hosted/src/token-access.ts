import {
  compileGrant,
  createVerificationCache,
  delegate,
  grantOf,
  mintAuthToken,
  queryTokenAllowed,
  refusalError,
  verifyToken,
  type Decision as TokenDecision,
  type Grant as TokenGrant,
  type SigningKey,
  type StoredCredential,
  type VerificationKeys,
  type VerifiedToken,
} from '@rstream/auth-tokens';
import { RstreamError } from '@rstream/protocol';
import type { Permission } from '@rstream/protocol/claims';
import type { Authority, Decision } from '@rstream/relay';
import { type Access, grantIn, type Principal } from './access.ts';
import type { Credential } from './store/entities.ts';
import type { Store } from './store/store.ts';

/** Newest first: the first one signs, all of them verify. */
export type SigningKeys = readonly [SigningKey, ...SigningKey[]];

export interface TokenAccess extends Access {
  /** Tells what the change feed brought: cached proofs go, and revocations reach the listeners. */
  apply(changed: readonly Credential[]): void;
}

/** Proves tokens with the keys of this server and the credentials of the store, and remembers what it proved. */
export function createTokenAccess(store: Store, signingKeys: SigningKeys): TokenAccess {
  const listeners = new Set<(credentialId: string) => void>();
  const keys: VerificationKeys = {
    signingKeys,
    lookupPat: async (sha256) => stored(await store.credentialByHash(sha256)),
    lookupClient: async (clientId) => stored(await store.credentialByClientId(clientId)),
    lookupCredential: async (id) => stored(await store.credential(id)),
  };
  const cache = createVerificationCache<Principal>({
    async load(token) {
      const verified = await verifyToken(token, keys);
      const workspaces = await store.workspacesOf(verified.credential.userId);
      const owner = { userId: verified.credential.userId, workspaceIds: workspaces.map(({ id }) => id), permissions: null };
      return principalOf(verified, grantOf({ owner, ...verified }), signingKeys[0]);
    },
  });
  return {
    authenticate: (token) => cache.get(token),
    onRevoked(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    apply(changed) {
      for (const { id, revokedAt } of changed) {
        cache.forget(id);
        if (revokedAt !== undefined) for (const listener of listeners) listener(id);
      }
    },
  };
}

/** The same proofs in the shape that the relay asks for. */
export const relayAuthority = (access: Access): Authority => ({
  authenticate: async (token, project) => grantIn(await access.authenticate(token), project),
  onRevoked: (listener) => access.onRevoked(listener),
});

function principalOf(verified: VerifiedToken, grant: TokenGrant, signingKey: SigningKey): Principal {
  const compiled = compileGrant(grant);
  return {
    credentialId: grant.credentialId,
    userId: grant.userId,
    workspaceId: grant.workspaceId,
    family: verified.claims.type,
    permissions: usablePermissions(grant),
    expiresAt: grant.expiresAt,
    allows: (action) => decisionOf(compiled.allows(action)),
    allowsQuery: () => (queryTokenAllowed(verified) ? { allowed: true } : { allowed: false, error: queryRefused() }),
    async delegate(request, project) {
      const claims = delegate(grant, request, project === undefined ? {} : { project });
      const token = await mintAuthToken(signingKey, claims);
      return { token, expires_at: new Date(claims.exp * 1_000).toISOString() };
    },
  };
}

const decisionOf = (decision: TokenDecision): Decision => (decision.allowed ? decision : { allowed: false, error: refusalError(decision) });

const queryRefused = (): RstreamError =>
  new RstreamError('FORBIDDEN', 'This token may not travel in a query string.', {
    next: 'Send it as "Authorization: Bearer", or delegate a token of at most one hour whose scopes only list.',
  });

/** What every layer leaves; `null` when none of them names permissions. */
function usablePermissions({ layers }: TokenGrant): readonly Permission[] | null {
  const [first, ...others] = layers.flatMap(({ permissions }) => (permissions === null ? [] : [permissions]));
  return first?.filter((permission) => others.every((list) => list.includes(permission))) ?? null;
}

function stored(credential: Credential | undefined): StoredCredential | undefined {
  return credential && { ...credential, updatedAt: new Date(credential.updatedAt).toISOString() };
}
