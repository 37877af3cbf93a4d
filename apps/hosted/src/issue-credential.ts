import { createClientCredentials, mintPat } from '@rstream/auth-tokens';
import type { Permission, Resources } from '@rstream/protocol/claims';
import { newId } from './state/ids.ts';
import type { Credential, StoredProject } from './store/entities.ts';

export interface CredentialRequest {
  readonly name: string;
  readonly userId: string;
  readonly workspaceId: string;
  /** Absent: the credential covers the workspace. */
  readonly project?: StoredProject | undefined;
  /** `null`: everything that the owner may do. */
  readonly permissions: readonly Permission[] | null;
  readonly resources?: Resources | undefined;
  /** Milliseconds; absent: until revoked. */
  readonly ttlMs?: number | undefined;
}

/** A credential for the store, and the secret that goes to its holder and nowhere else. */
export interface IssuedCredential {
  readonly secret: string;
  readonly credential: Credential;
}

/** A personal access token. */
export async function issuePat(request: CredentialRequest): Promise<IssuedCredential> {
  const base = baseOf(request, 'pat');
  const { token, sha256 } = await mintPat({ projectEndpoint: base.projectEndpoint, expiresAt: base.expiresAt });
  return { secret: token, credential: { ...base, sha256 } };
}

/** Client credentials, with which an application mints its own short-lived tokens. The secret is JSON: `{clientId, clientSecret}`. */
export function issueApp(request: CredentialRequest): IssuedCredential {
  const { clientId, clientSecret, publicKey } = createClientCredentials();
  return { secret: JSON.stringify({ clientId, clientSecret }), credential: { ...baseOf(request, 'app'), clientId, publicKey } };
}

function baseOf(
  { name, userId, workspaceId, project, permissions, resources, ttlMs }: CredentialRequest,
  family: Credential['family'],
): Credential {
  const now = Date.now();
  return {
    id: newId(family),
    family,
    name,
    userId,
    workspaceId,
    ...(project === undefined ? {} : { projectId: project.id, projectEndpoint: project.endpoint }),
    permissions,
    ...(resources === undefined ? {} : { resources }),
    createdAt: now,
    updatedAt: now,
    ...(ttlMs === undefined ? {} : { expiresAt: now + ttlMs }),
  };
}
