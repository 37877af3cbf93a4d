import { SignJWT } from 'jose';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { epochSeconds } from '../lifetime.ts';

export interface MintPatOptions {
  /** Endpoint (8 hex) of the one project that the token is for; absent = the workspace. */
  readonly projectEndpoint?: string | undefined;
  /** Epoch ms; absent = no expiry. */
  readonly expiresAt?: number | undefined;
  /** Epoch ms. */
  readonly now?: number;
}

/**
 * Makes a personal access token. Store `sha256` and nothing else: the HS256 key is random and thrown away, so the stored hash
 * of the whole token is what proves it later, and a stolen store yields no token. Permissions and resources live in the store.
 */
export async function mintPat(options: MintPatOptions = {}): Promise<{ readonly token: string; readonly sha256: string }> {
  const { projectEndpoint, expiresAt, now = Date.now() } = options;
  const token = await new SignJWT({
    type: 'pat',
    iat: epochSeconds(now),
    jti: randomUUID(),
    ...(projectEndpoint === undefined ? {} : { token_endpoint: projectEndpoint }),
    ...(expiresAt === undefined ? {} : { exp: epochSeconds(expiresAt) }),
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(randomBytes(32));
  return { token, sha256: tokenHash(token) };
}

/** Lower-case hex SHA-256 of a token: what a store keeps of a personal access token. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
