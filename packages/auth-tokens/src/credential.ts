import type { CryptoKey } from 'jose';
import type { Permission, Resources, TokenClaims, TokenFamily } from '@rstream/protocol/claims';

/** What a server keeps of a credential. It never holds the token or the client secret. */
export interface StoredCredential {
  readonly id: string;
  /** Family of the tokens that it stands behind: an `auth` credential is a login. */
  readonly family: TokenFamily;
  readonly userId: string;
  /** Bounds `pat` and `app` credentials; a login reaches every workspace of its owner. */
  readonly workspaceId: string;
  /** When set, the credential and all that is delegated from it stay inside this project. */
  readonly projectId?: string | undefined;
  /** Endpoint (8 hex) of `projectId`; must equal the `token_endpoint` claim of a personal access token. */
  readonly projectEndpoint?: string | undefined;
  /** Null = everything that the owner may do. */
  readonly permissions: readonly Permission[] | null;
  readonly resources?: Resources | undefined;
  /** ISO 8601. Change it whenever permissions or resources change: tokens delegated before that are refused. */
  readonly updatedAt: string;
  /** Epoch ms. */
  readonly expiresAt?: number | undefined;
  /** Epoch ms. */
  readonly revokedAt?: number | undefined;
  /** For `pat`: lower-case hex SHA-256 of the token. */
  readonly sha256?: string | undefined;
  /** For `app`: the client's public key, SPKI DER in hex. */
  readonly publicKey?: string | undefined;
}

/** A public key that checks `auth` tokens, found by the key id in their header. */
export interface SigningPublicKey {
  readonly kid: string;
  readonly publicKey: CryptoKey;
}

type Found = StoredCredential | undefined;

/** All that `verifyToken` needs to know. Look-ups may be synchronous or not; undefined = there is none. */
export interface VerificationKeys {
  readonly signingKeys: readonly SigningPublicKey[];
  /** By lower-case hex SHA-256 of the whole token. */
  lookupPat(sha256: string): Found | Promise<Found>;
  lookupClient(clientId: string): Found | Promise<Found>;
  /** By id: the credential behind an `auth` token. */
  lookupCredential(id: string): Found | Promise<Found>;
}

/** A token that is genuine, unexpired and backed by a live credential. */
export interface VerifiedToken {
  readonly claims: TokenClaims;
  readonly credential: StoredCredential;
  /** Epoch ms: the earlier of the token's and the credential's expiry. Undefined = neither expires. */
  readonly expiresAt: number | undefined;
}
