import { createSigningKey, exportSigningKey, importSigningKey } from '@rstream/auth-tokens';
import { issuePat } from '../issue-credential.ts';
import type { StoredProject, User } from '../store/entities.ts';
import type { Store } from '../store/store.ts';
import type { SigningKeys } from '../token-access.ts';
import type { DataDirectory } from './data-directory.ts';
import { newEndpoint, newId } from './ids.ts';
import { replaceOwnedFile } from './owned-file.ts';

/** What a store holds at least, once it was started. */
export interface Foundation {
  readonly owner: User;
  readonly project: StoredProject;
  readonly signingKeys: SigningKeys;
  /** True when this start made them. */
  readonly isNew: boolean;
}

/**
 * Makes sure that the store has an owner with a workspace, a project and a token file. Each step looks for its own result, so
 * a first start that was cut off is completed by the next one. A deleted token file is not made again: its token may be in use.
 */
export async function ensureFoundation(store: Store, directory: DataDirectory): Promise<Foundation> {
  const createdAt = Date.now();
  const owner = (await store.firstOwner()) ?? (await addOwner(store, createdAt));
  const workspace = (await store.workspacesOf(owner.id))[0] ?? (await addWorkspace(store, owner, createdAt));
  const project = (await store.projects([workspace.id]))[0] ?? (await addProject(store, { workspaceId: workspace.id, name: 'default' }));
  const signingKeys = await ensureSigningKeys(store, createdAt);
  const isNew = (await store.credentials({ limit: 1 })).length === 0;
  if (isNew) {
    const { secret, credential } = await issuePat({ name: 'owner', userId: owner.id, workspaceId: workspace.id, permissions: null });
    // A token file from a start that was cut off here is replaced: without a credential in the store its token is worth nothing.
    replaceOwnedFile(directory.ownerToken, `${secret}\n`);
    await store.addCredential(credential);
  }
  return { owner, project, signingKeys, isNew };
}

/** A new project with an endpoint of its own. */
export async function addProject(store: Store, { workspaceId, name }: { workspaceId: string; name: string }): Promise<StoredProject> {
  const project = { id: newId('prj'), workspaceId, name, endpoint: newEndpoint(), status: 'active', createdAt: Date.now() } as const;
  await store.addProject(project);
  return project;
}

async function addOwner(store: Store, createdAt: number): Promise<User> {
  const owner = { id: newId('usr'), name: 'owner', role: 'owner', createdAt } as const;
  await store.addUser(owner);
  return owner;
}

async function addWorkspace(store: Store, owner: User, createdAt: number) {
  const workspace = { id: newId('wsp'), type: 'personal', name: 'Personal', ownerId: owner.id, createdAt } as const;
  await store.addWorkspace(workspace);
  return workspace;
}

async function ensureSigningKeys(store: Store, createdAt: number): Promise<SigningKeys> {
  const keys = await Promise.all((await store.serverKeys('auth-signing')).map(({ jwk }) => importSigningKey(JSON.parse(jwk))));
  const [newest, ...older] = keys;
  if (newest !== undefined) return [newest, ...older];
  const key = await createSigningKey();
  await store.addServerKey({ id: key.kid, use: 'auth-signing', jwk: JSON.stringify(await exportSigningKey(key)), createdAt });
  return [key];
}
