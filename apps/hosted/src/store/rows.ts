import type { Insertable, Selectable } from 'kysely';
import * as z from 'zod';
import { Permission, Resources } from '@rstream/protocol/claims';
import type { Credential, ServerKey, StoredProject, StoredWorkspace, User } from './entities.ts';
import type { Tables } from './tables.ts';

const Permissions = z.array(Permission);

const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== null && v !== undefined)) as T;

export const userOf = (row: Selectable<Tables['users']>): User =>
  defined({ id: row.id, name: row.name, email: row.email, role: row.role, createdAt: Number(row.created_at) }) as User;

export const workspaceOf = (row: Selectable<Tables['workspaces']>): StoredWorkspace =>
  ({ id: row.id, type: row.type, name: row.name, ownerId: row.owner_id, createdAt: Number(row.created_at) }) as StoredWorkspace;

export const projectOf = (row: Selectable<Tables['projects']>): StoredProject =>
  ({
    id: row.id,
    workspaceId: row.workspace_id,
    name: row.name,
    endpoint: row.endpoint,
    status: row.status,
    createdAt: Number(row.created_at),
  }) as StoredProject;

/** A row that holds a permission or resource that this version does not know is an error: guessing would widen or lose rights. */
export function credentialOf(row: Selectable<Tables['credentials']>): Credential {
  const number = (value: number | string | null): number | null => (value === null ? null : Number(value));
  return {
    ...defined({
      id: row.id,
      family: row.family,
      name: row.name,
      userId: row.user_id,
      workspaceId: row.workspace_id,
      projectId: row.project_id,
      projectEndpoint: row.project_endpoint,
      sha256: row.sha256,
      clientId: row.client_id,
      publicKey: row.public_key,
      resources: row.resources === null ? null : Resources.parse(JSON.parse(row.resources)),
      createdAt: Number(row.created_at),
      updatedAt: Number(row.updated_at),
      expiresAt: number(row.expires_at),
      revokedAt: number(row.revoked_at),
    }),
    permissions: row.permissions === null ? null : Permissions.parse(JSON.parse(row.permissions)),
  } as Credential;
}

export const credentialRow = (credential: Credential): Omit<Insertable<Tables['credentials']>, 'revision'> => ({
  id: credential.id,
  family: credential.family,
  name: credential.name,
  user_id: credential.userId,
  workspace_id: credential.workspaceId,
  project_id: credential.projectId ?? null,
  project_endpoint: credential.projectEndpoint ?? null,
  sha256: credential.sha256 ?? null,
  client_id: credential.clientId ?? null,
  public_key: credential.publicKey ?? null,
  permissions: credential.permissions === null ? null : JSON.stringify(credential.permissions),
  resources: credential.resources === undefined ? null : JSON.stringify(credential.resources),
  created_at: credential.createdAt,
  updated_at: credential.updatedAt,
  expires_at: credential.expiresAt ?? null,
  revoked_at: credential.revokedAt ?? null,
});

export const serverKeyOf = (row: Selectable<Tables['server_keys']>): ServerKey =>
  ({ id: row.id, use: row.use, jwk: row.jwk, createdAt: Number(row.created_at) }) as ServerKey;
