import { existsSync } from 'node:fs';
import { RstreamError } from '@rstream/protocol';
import type { StoredProject, StoredWorkspace, User } from '../store/entities.ts';
import type { Store } from '../store/store.ts';

export interface Opened {
  readonly store: Store;
  readonly owner: User;
  readonly workspace: StoredWorkspace;
}

/** Runs an administrator's command on the database of a data directory, also while the server runs on it. */
export async function withStore<T>(dataDir: string, run: (opened: Opened) => Promise<T>): Promise<T> {
  const [{ openDataDirectory }, { openSqlStore }, { sqliteDialect }] = await Promise.all([
    import('../state/data-directory.ts'),
    import('../store/sql-store.ts'),
    import('../store/sqlite.ts'),
  ]);
  if (!existsSync(dataDir)) throw notStarted(dataDir);
  const { database, path } = openDataDirectory(dataDir);
  if (!existsSync(database)) throw notStarted(path);
  const store = await openSqlStore(sqliteDialect(database));
  try {
    const owner = await store.firstOwner();
    const workspace = owner && (await store.workspacesOf(owner.id))[0];
    if (owner === undefined || workspace === undefined) throw notStarted(path);
    return await run({ store, owner, workspace });
  } finally {
    await store.close();
  }
}

const notStarted = (path: string): RstreamError =>
  new RstreamError('ERR_RSTREAM_HOSTED_DATA', `${path} is not the data directory of a hosted process.`, {
    next: 'Start "rstream-hosted serve" on it once, or correct --data-dir.',
  });

/** A project of the workspace by endpoint, id or name. @throws RstreamError `ERR_RSTREAM_HOSTED_NOT_FOUND` */
export async function findProject({ store, workspace }: Opened, wanted: string): Promise<StoredProject> {
  const projects = await store.projects([workspace.id]);
  const exact = projects.find(({ endpoint, id }) => endpoint === wanted || id === wanted);
  const named = projects.filter(({ name }) => name === wanted);
  const [only] = named;
  if (exact !== undefined) return exact;
  if (only !== undefined && named.length === 1) return only;
  throw new RstreamError('ERR_RSTREAM_HOSTED_NOT_FOUND', `No single project has the endpoint, id or name "${wanted}".`, {
    next: 'See "rstream-hosted project list".',
  });
}
