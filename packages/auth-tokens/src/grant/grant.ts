import { RstreamError } from '@rstream/protocol';
import type { Permission, ResourceNode, TokenFamily } from '@rstream/protocol/claims';
import type { StoredCredential, VerifiedToken } from '../credential.ts';

/** The user behind a credential, as the server knows them now. */
export interface Owner {
  readonly userId: string;
  /** Workspaces of which they are a member now. */
  readonly workspaceIds: readonly string[];
  /** What their role allows; null = everything. */
  readonly permissions: readonly Permission[] | null;
}

/** One factor of a grant. All bounds must hold. */
export interface GrantLayer {
  readonly name: 'owner' | 'credential' | 'claims';
  readonly permissions: readonly Permission[] | null;
  readonly bounds: readonly ResourceNode[];
}

/**
 * What a token may do: owner ∩ credential ∩ claims. The three stay apart as layers and are each asked, because two trees of
 * filters cannot be merged into one without loosening or losing something.
 */
export interface Grant {
  readonly credentialId: string;
  readonly credentialUpdatedAt: string;
  readonly family: TokenFamily;
  readonly userId: string;
  readonly workspaceId: string;
  /** The one project that the credential belongs to, if it does. */
  readonly projectId: string | undefined;
  /** Epoch ms. */
  readonly expiresAt: number | undefined;
  readonly layers: readonly GrantLayer[];
}

/** Joins what was verified with its owner. Throws `UNAUTHORIZED` when the credential is another user's. */
export function grantOf(from: { owner: Owner } & Pick<VerifiedToken, 'credential' | 'claims' | 'expiresAt'>): Grant {
  const { owner, credential, claims, expiresAt } = from;
  if (owner.userId !== credential.userId) throw new RstreamError('UNAUTHORIZED', 'The owner of the credential is gone.');
  return {
    credentialId: credential.id,
    credentialUpdatedAt: credential.updatedAt,
    family: credential.family,
    userId: credential.userId,
    workspaceId: credential.workspaceId,
    projectId: credential.projectId,
    expiresAt,
    layers: [
      { name: 'owner', permissions: owner.permissions, bounds: [{ workspaces: [...owner.workspaceIds] }] },
      { name: 'credential', permissions: credential.permissions, bounds: credentialBounds(credential) },
      {
        name: 'claims',
        permissions: claims.type === 'pat' ? null : claims.permissions,
        bounds: claims.resources === undefined ? [] : [claims.resources.tunnels],
      },
    ],
  };
}

function credentialBounds(credential: StoredCredential): ResourceNode[] {
  const { family, workspaceId, projectId, resources } = credential;
  return [
    ...(family === 'auth' ? [] : [{ workspaces: [workspaceId] }]),
    ...(projectId === undefined ? [] : [{ projects: [projectId] }]),
    ...(resources === undefined ? [] : [resources.tunnels]),
  ];
}
