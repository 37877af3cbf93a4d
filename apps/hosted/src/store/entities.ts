import type { Permission, Resources, TokenFamily } from '@rstream/protocol/claims';

/** A person; the first start makes one, the owner. Times are epoch milliseconds everywhere in the store. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email?: string;
  readonly role: 'owner' | 'member';
  readonly createdAt: number;
}

export interface StoredWorkspace {
  readonly id: string;
  readonly type: 'personal' | 'team';
  readonly name: string;
  readonly ownerId: string;
  readonly createdAt: number;
}

/** A tunnels project: one engine address, one namespace of tunnel names. */
export interface StoredProject {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  /** 8 hex characters, unique in the store. */
  readonly endpoint: string;
  readonly status: 'active' | 'suspended';
  readonly createdAt: number;
}

/** A stored credential. The secret itself is never stored: a `pat` keeps its SHA-256, an `app` its public key. */
export interface Credential {
  readonly id: string;
  readonly family: Exclude<TokenFamily, 'auth'>;
  readonly name: string;
  readonly userId: string;
  readonly workspaceId: string;
  /** Absent for a credential that covers the whole workspace. */
  readonly projectId?: string;
  /** Endpoint of `projectId`. */
  readonly projectEndpoint?: string;
  /** Hex SHA-256 of the token; only `pat`. */
  readonly sha256?: string;
  /** Client id and public key; only `app`. */
  readonly clientId?: string;
  readonly publicKey?: string;
  /** `null`: everything that the owner may do. */
  readonly permissions: readonly Permission[] | null;
  readonly resources?: Resources;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
}

/** A key of this server, as a JWK in JSON. Holds a private key: never log it. */
export interface ServerKey {
  readonly id: string;
  readonly use: 'auth-signing';
  readonly jwk: string;
  readonly createdAt: number;
}
