/**
 * Mints and verifies the three families of rstream tokens and decides what they allow. Works offline: keys and look-ups are
 * passed in.
 *
 * @example
 * ```ts
 * import { compileGrant, createSigningKey, grantOf, mintAuthToken, verifyToken } from '@rstream/auth-tokens';
 *
 * const key = await createSigningKey();
 * const token = await mintAuthToken(key, { userId: 'u1', permissions: null, exp: 2_000_000_000, sourceCredentialId: 'c1' });
 * const login = { id: 'c1', family: 'auth', userId: 'u1', workspaceId: 'w1', permissions: null, updatedAt: '2026-01-01' } as const;
 * const none = () => undefined;
 * const keys = { signingKeys: [key], lookupPat: none, lookupClient: none, lookupCredential: () => login };
 * const owner = { userId: 'u1', workspaceIds: ['w1'], permissions: null };
 * const grant = compileGrant(grantOf({ owner, ...(await verifyToken(token, keys)) }));
 * grant.allows({ type: 'session.open', project: { id: 'p1', workspaceId: 'w1', endpoint: '0badcafe' } }); // { allowed: true }
 * ```
 *
 * @module
 */
export { createClientCredentials, type ClientCredentials } from './client-credentials.ts';
export type { SigningPublicKey, StoredCredential, VerificationKeys, VerifiedToken } from './credential.ts';
export { delegate, type DelegateOptions } from './delegate.ts';
export {
  compileGrant,
  evaluate,
  refusalError,
  type CompiledGrant,
  type Decision,
  type Refusal,
  type RefusalReason,
} from './grant/evaluate.ts';
export { grantOf, type Grant, type GrantLayer, type Owner } from './grant/grant.ts';
export { normalisedPath } from './grant/path.ts';
export { selectFields } from './grant/select.ts';
export { mintAppToken, type MintAppOptions } from './mint/mint-app.ts';
export { mintAuthToken, type AuthClaimsInput, type MintAuthOptions } from './mint/mint-auth.ts';
export { mintPat, tokenHash, type MintPatOptions } from './mint/mint-pat.ts';
export { queryTokenAllowed } from './query-token.ts';
export { checkedResources } from './resources.ts';
export { createSigningKey, exportSigningKey, importSigningKey, type SigningKey } from './signing-key.ts';
export { decodeToken } from './token-text.ts';
export { createVerificationCache, type Expiring, type VerificationCache, type VerificationCacheOptions } from './verification-cache.ts';
export { verifyToken, type VerifyOptions } from './verify.ts';
