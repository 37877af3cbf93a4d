import { type Dialect, Kysely, sql, type RawBuilder } from 'kysely';
import { RstreamError } from '@rstream/protocol';
import type { Credential, ServerKey, StoredProject, StoredWorkspace, User } from './entities.ts';
import { migrate } from './migrations.ts';
import { credentialOf, credentialRow, projectOf, serverKeyOf, userOf, workspaceOf } from './rows.ts';
import type { ChangeCursor, Changes, Store } from './store.ts';
import type { Tables } from './tables.ts';

/** Rows of one read of the change feed or of an unbounded list. */
const MAX_ROWS = 10_000;

/** A store over any SQL database that kysely speaks to; the schema is brought up to date first. */
export async function openSqlStore(dialect: Dialect): Promise<Store> {
  const db = new Kysely<Tables>({ dialect });
  const guarded = guard(sqlStore(db));
  try {
    await migrate(db);
  } catch (error) {
    await db.destroy();
    throw dataError(error);
  }
  return guarded;
}

function sqlStore(db: Kysely<Tables>): Store {
  return { ...people(db), ...projects(db), ...credentials(db), ...serverKeys(db), ...feed(db) };
}

const people = (db: Kysely<Tables>) => ({
  async addUser({ id, name, email, role, createdAt }: User): Promise<void> {
    await db
      .insertInto('users')
      .values({ id, name, email: email ?? null, role, created_at: createdAt })
      .execute();
  },
  async user(id: string): Promise<User | undefined> {
    const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
    return row && userOf(row);
  },
  async firstOwner(): Promise<User | undefined> {
    const query = db.selectFrom('users').selectAll().where('role', '=', 'owner').orderBy('created_at').orderBy('id').limit(1);
    const row = await query.executeTakeFirst();
    return row && userOf(row);
  },
  async addWorkspace({ id, type, name, ownerId, createdAt }: StoredWorkspace): Promise<void> {
    await db.insertInto('workspaces').values({ id, type, name, owner_id: ownerId, created_at: createdAt }).execute();
  },
  async workspacesOf(userId: string): Promise<readonly StoredWorkspace[]> {
    const query = db.selectFrom('workspaces').selectAll().where('owner_id', '=', userId).orderBy('created_at').orderBy('id');
    return (await query.limit(MAX_ROWS).execute()).map(workspaceOf);
  },
});

const projects = (db: Kysely<Tables>) => ({
  async addProject({ id, workspaceId, name, endpoint, status, createdAt }: StoredProject): Promise<void> {
    const row = { id, workspace_id: workspaceId, name, endpoint, status, created_at: createdAt };
    await db
      .insertInto('projects')
      .values({ ...row, revision: nextRevision('projects') })
      .execute();
  },
  async projectByEndpoint(endpoint: string): Promise<StoredProject | undefined> {
    const row = await db.selectFrom('projects').selectAll().where('endpoint', '=', endpoint).executeTakeFirst();
    return row && projectOf(row);
  },
  async projects(workspaceIds: readonly string[]): Promise<readonly StoredProject[]> {
    if (workspaceIds.length === 0) return [];
    const query = db.selectFrom('projects').selectAll().where('workspace_id', 'in', workspaceIds).orderBy('created_at').orderBy('id');
    return (await query.limit(MAX_ROWS).execute()).map(projectOf);
  },
});

const credentials = (db: Kysely<Tables>) => {
  const one = async (column: 'id' | 'sha256' | 'client_id', value: string): Promise<Credential | undefined> => {
    const row = await db.selectFrom('credentials').selectAll().where(column, '=', value).executeTakeFirst();
    return row && credentialOf(row);
  };
  return {
    async addCredential(credential: Credential): Promise<void> {
      await db
        .insertInto('credentials')
        .values({ ...credentialRow(credential), revision: nextRevision('credentials') })
        .execute();
    },
    credential: (id: string) => one('id', id),
    credentialByHash: (sha256: string) => one('sha256', sha256),
    credentialByClientId: (clientId: string) => one('client_id', clientId),
    async credentials({ projectId, limit = MAX_ROWS }: { projectId?: string; limit?: number } = {}): Promise<readonly Credential[]> {
      const all = db.selectFrom('credentials').selectAll();
      const some = projectId === undefined ? all : all.where('project_id', '=', projectId);
      return (await some.orderBy('created_at').orderBy('id').limit(limit).execute()).map(credentialOf);
    },
    async revokeCredential(id: string, at: number): Promise<boolean> {
      const change = { revoked_at: at, updated_at: at, revision: nextRevision('credentials') };
      const result = await db
        .updateTable('credentials')
        .set(change)
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n || (await one('id', id)) !== undefined;
    },
  };
};

const serverKeys = (db: Kysely<Tables>) => ({
  async addServerKey({ id, use, jwk, createdAt }: ServerKey): Promise<void> {
    await db.insertInto('server_keys').values({ id, use, jwk, created_at: createdAt }).execute();
  },
  async serverKeys(use: ServerKey['use']): Promise<readonly ServerKey[]> {
    const query = db.selectFrom('server_keys').selectAll().where('use', '=', use).orderBy('created_at', 'desc').orderBy('id');
    return (await query.limit(MAX_ROWS).execute()).map(serverKeyOf);
  },
});

const feed = (db: Kysely<Tables>) => ({
  async changesSince(cursor: ChangeCursor): Promise<Changes> {
    const credentialQuery = db.selectFrom('credentials').selectAll().where('revision', '>', cursor.credentials);
    const projectQuery = db.selectFrom('projects').selectAll().where('revision', '>', cursor.projects);
    const credentialRows = await credentialQuery.orderBy('revision').limit(MAX_ROWS).execute();
    const projectRows = await projectQuery.orderBy('revision').limit(MAX_ROWS).execute();
    return {
      cursor: {
        credentials: Number(credentialRows.at(-1)?.revision ?? cursor.credentials),
        projects: Number(projectRows.at(-1)?.revision ?? cursor.projects),
      },
      credentials: credentialRows.map(credentialOf),
      projects: projectRows.map(projectOf),
    };
  },
  async ping(): Promise<void> {
    await sql`select 1`.execute(db);
  },
  close: () => db.destroy(),
});

/** The feed position of a write, computed inside its own statement so that it needs no transaction. */
const nextRevision = (table: 'credentials' | 'projects'): RawBuilder<number> =>
  sql<number>`(select coalesce(max(revision), 0) + 1 from ${sql.table(table)})`;

const dataError = (cause: unknown): RstreamError =>
  RstreamError.is(cause) ? cause : new RstreamError('ERR_RSTREAM_HOSTED_DATA', 'The database refused an operation.', { cause });

/** The same store with every failure as `ERR_RSTREAM_HOSTED_DATA`: the database's own words may quote stored values. */
function guard(store: Store): Store {
  const wrap =
    (method: (...parameters: never[]) => Promise<unknown>) =>
    async (...parameters: never[]): Promise<unknown> => {
      try {
        return await method(...parameters);
      } catch (error) {
        throw dataError(error);
      }
    };
  return Object.fromEntries(Object.entries(store).map(([name, method]) => [name, wrap(method as never)])) as unknown as Store;
}
