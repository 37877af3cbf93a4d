import { SignJWT, type JWTPayload } from 'jose';
import { randomUUID } from 'node:crypto';
import { RstreamError } from '@rstream/protocol';
import { AuthClaims } from '@rstream/protocol/claims';
import { checkedResources } from '../resources.ts';
import { epochSeconds } from '../lifetime.ts';
import type { SigningKey } from '../signing-key.ts';

export interface MintAuthOptions {
  /** Claim `iss`; give `verifyToken` the same. */
  readonly issuer?: string;
  /** Claim `aud`; give `verifyToken` the same. */
  readonly audience?: string;
  /** Epoch ms. */
  readonly now?: number;
}

/** Claims of a login or, from `delegate`, of a delegated token. `sourceCredentialId` names the stored credential it lives by. */
export type AuthClaimsInput = Omit<AuthClaims, 'type' | 'iss' | 'aud'>;

/** Signs an `auth` token with EdDSA. `iat` and `jti` are filled in. Throws `INVALID_REQUEST` for claims that break the schema. */
export async function mintAuthToken(key: SigningKey, claims: AuthClaimsInput, options: MintAuthOptions = {}): Promise<string> {
  const { issuer, audience, now = Date.now() } = options;
  if (claims.resources !== undefined) checkedResources(claims.resources);
  const parsed = AuthClaims.safeParse({
    iat: epochSeconds(now),
    jti: randomUUID(),
    ...claims,
    type: 'auth',
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(audience === undefined ? {} : { aud: audience }),
  });
  if (!parsed.success) throw new RstreamError('INVALID_REQUEST', 'The claims of the token are not valid.', { cause: parsed.error });
  return new SignJWT(parsed.data as JWTPayload).setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: key.kid }).sign(key.privateKey);
}
