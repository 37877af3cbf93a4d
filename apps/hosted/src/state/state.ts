import { type ChangeFeed, followChanges } from '../change-feed.ts';
import type { Logger } from '../log.ts';
import { ProjectDirectory } from '../project-directory.ts';
import { openSqlStore } from '../store/sql-store.ts';
import { sqliteDialect } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';
import { createTokenAccess, type TokenAccess } from '../token-access.ts';
import type { DataDirectory } from './data-directory.ts';
import { ensureFoundation, type Foundation } from './first-start.ts';

/** The store and what is kept of it in local memory. */
export interface State {
  readonly store: Store;
  readonly foundation: Foundation;
  readonly access: TokenAccess;
  readonly projects: ProjectDirectory;
  readonly feed: ChangeFeed;
  close(): Promise<void>;
}

export async function openState(directory: DataDirectory, logger: Logger): Promise<State> {
  const store = await openSqlStore(sqliteDialect(directory.database));
  try {
    const foundation = await ensureFoundation(store, directory);
    const access = createTokenAccess(store, foundation.signingKeys);
    const projects = new ProjectDirectory();
    const feed = await followChanges({
      store,
      logger,
      apply(changes) {
        projects.apply(changes.projects);
        access.apply(changes.credentials);
      },
    });
    const close = async (): Promise<void> => {
      await feed.close();
      await store.close();
    };
    return { store, foundation, access, projects, feed, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}
