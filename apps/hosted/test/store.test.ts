import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Credential } from '../src/store/entities.ts';
import { openSqlStore } from '../src/store/sql-store.ts';
import { sqliteDialect } from '../src/store/sqlite.ts';
import { startOfChanges, type Store } from '../src/store/store.ts';

const user = { id: 'usr_1', name: 'Owner', role: 'owner', createdAt: 1 } as const;
const workspace = { id: 'wsp_1', type: 'personal', name: 'Personal', ownerId: user.id, createdAt: 1 } as const;
const project = { id: 'prj_1', workspaceId: workspace.id, name: 'first', endpoint: 'aaaaaaaa', status: 'active', createdAt: 1 } as const;
const credential: Credential = {
  id: 'pat_1',
  family: 'pat',
  name: 'device',
  userId: user.id,
  workspaceId: workspace.id,
  projectId: project.id,
  projectEndpoint: project.endpoint,
  sha256: 'ab'.repeat(32),
  permissions: ['tunnels.tunnels.create-delete'],
  resources: { tunnels: { projects: [project.id], scopes: { tunnels: { create: true } } } },
  createdAt: 10,
  updatedAt: 10,
  expiresAt: 4_102_444_800_000,
};

interface Place {
  readonly name: string;
  create(): { readonly file: string; dispose(): void };
}

const places: readonly Place[] = [
  { name: 'memory', create: () => ({ file: ':memory:', dispose: () => undefined }) },
  {
    name: 'file',
    create() {
      const directory = mkdtempSync(join(tmpdir(), 'rstream-store-'));
      return { file: join(directory, 'hosted.sqlite'), dispose: () => rmSync(directory, { recursive: true }) };
    },
  },
];

describe.each(places)('a store in $name', ({ create }) => {
  let place: ReturnType<typeof create>;
  let store: Store;

  beforeEach(async () => {
    place = create();
    store = await openSqlStore(sqliteDialect(place.file));
    await store.addUser(user);
    await store.addWorkspace(workspace);
    await store.addProject(project);
  });
  afterEach(async () => {
    await store.close();
    place.dispose();
  });

  it('returns people, workspaces and projects as they were written', async () => {
    expect(await store.user(user.id)).toEqual(user);
    expect(await store.user('usr_none')).toBeUndefined();
    expect(await store.firstOwner()).toEqual(user);
    expect(await store.workspacesOf(user.id)).toEqual([workspace]);
    expect(await store.projectByEndpoint('aaaaaaaa')).toEqual(project);
    expect(await store.projectByEndpoint('bbbbbbbb')).toBeUndefined();
  });

  it('returns a credential by id, by token hash and by client id with every field', async () => {
    const app: Credential = {
      id: 'app_1',
      family: 'app',
      name: 'ci',
      userId: user.id,
      workspaceId: workspace.id,
      clientId: 'client',
      publicKey: '{}',
      permissions: null,
      createdAt: 11,
      updatedAt: 11,
    };
    await store.addCredential(credential);
    await store.addCredential(app);
    expect(await store.credential('pat_1')).toEqual(credential);
    expect(await store.credentialByHash(credential.sha256 ?? '')).toEqual(credential);
    expect(await store.credentialByClientId('client')).toEqual(app);
    expect(await store.credentials()).toEqual([credential, app]);
    expect(await store.credentials({ projectId: project.id })).toEqual([credential]);
  });

  it('refuses a second project with the same endpoint and a second credential with the same hash', async () => {
    await store.addCredential(credential);
    await expect(store.addProject({ ...project, id: 'prj_2' })).rejects.toMatchObject({ code: 'ERR_RSTREAM_HOSTED_DATA' });
    await expect(store.addCredential({ ...credential, id: 'pat_2' })).rejects.toMatchObject({ code: 'ERR_RSTREAM_HOSTED_DATA' });
    expect(await store.credentials()).toHaveLength(1);
  });

  it('keeps the first time of a revocation and says when there is nothing to revoke', async () => {
    await store.addCredential(credential);
    expect(await store.revokeCredential('pat_1', 50)).toBe(true);
    expect(await store.revokeCredential('pat_1', 60)).toBe(true);
    expect(await store.revokeCredential('pat_none', 60)).toBe(false);
    expect(await store.credential('pat_1')).toMatchObject({ revokedAt: 50, updatedAt: 50 });
  });

  it('reports each write once in the change feed, a later revocation again', async () => {
    await store.addCredential(credential);
    await store.addCredential({ ...credential, id: 'pat_2', sha256: 'cd'.repeat(32) });
    const first = await store.changesSince(startOfChanges);
    expect(first.credentials.map(({ id }) => id)).toEqual(['pat_1', 'pat_2']);
    expect(first.projects.map(({ id }) => id)).toEqual(['prj_1']);
    await store.revokeCredential('pat_1', 50);
    const second = await store.changesSince(first.cursor);
    expect(second.credentials).toMatchObject([{ id: 'pat_1', revokedAt: 50 }]);
    expect(second.projects).toEqual([]);
    expect((await store.changesSince(second.cursor)).credentials).toEqual([]);
  });

  it('returns the projects of the given workspaces, oldest first', async () => {
    await store.addProject({ ...project, id: 'prj_0', endpoint: 'bbbbbbbb', createdAt: 2 });
    expect((await store.projects([workspace.id, 'wsp_none'])).map(({ id }) => id)).toEqual(['prj_1', 'prj_0']);
    expect(await store.projects([])).toEqual([]);
  });

  it('returns server keys newest first', async () => {
    await store.addServerKey({ id: 'key_1', use: 'auth-signing', jwk: '{"a":1}', createdAt: 1 });
    await store.addServerKey({ id: 'key_2', use: 'auth-signing', jwk: '{"a":2}', createdAt: 2 });
    expect((await store.serverKeys('auth-signing')).map(({ id }) => id)).toEqual(['key_2', 'key_1']);
  });
});

describe('a store in a file', () => {
  it('is readable by its owner only, keeps its content, and lets a second process see a revocation', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'rstream-store-'));
    const file = join(directory, 'hosted.sqlite');
    const server = await openSqlStore(sqliteDialect(file));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await server.addUser(user);
    await server.addWorkspace(workspace);
    await server.addProject(project);
    await server.addCredential(credential);
    const { cursor } = await server.changesSince(startOfChanges);

    const command = await openSqlStore(sqliteDialect(file));
    await command.revokeCredential(credential.id, 99);
    await command.close();

    expect((await server.changesSince(cursor)).credentials).toMatchObject([{ id: credential.id, revokedAt: 99 }]);
    await server.close();
    rmSync(directory, { recursive: true });
  });
});
