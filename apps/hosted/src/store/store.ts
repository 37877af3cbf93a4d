import type { Credential, ServerKey, StoredProject, StoredWorkspace, User } from './entities.ts';

/** How far a reader has followed the change feed. Opaque; starts at `startOfChanges`. */
export interface ChangeCursor {
  readonly credentials: number;
  readonly projects: number;
}
export const startOfChanges: ChangeCursor = { credentials: 0, projects: 0 };

/** What was written since a cursor, also by other processes on the same database. */
export interface Changes {
  readonly cursor: ChangeCursor;
  readonly credentials: readonly Credential[];
  readonly projects: readonly StoredProject[];
}

/**
 * Everything that outlives the process. Reads are strongly consistent within one store. A write that would break a unique
 * rule (endpoint, token hash, client id) rejects and changes nothing. Every failure is `ERR_RSTREAM_HOSTED_DATA`.
 */
export interface Store {
  addUser(user: User): Promise<void>;
  user(id: string): Promise<User | undefined>;
  firstOwner(): Promise<User | undefined>;

  addWorkspace(workspace: StoredWorkspace): Promise<void>;
  workspacesOf(userId: string): Promise<readonly StoredWorkspace[]>;

  addProject(project: StoredProject): Promise<void>;
  projectByEndpoint(endpoint: string): Promise<StoredProject | undefined>;
  /** All projects of some workspaces, oldest first. */
  projects(workspaceIds: readonly string[]): Promise<readonly StoredProject[]>;

  addCredential(credential: Credential): Promise<void>;
  credential(id: string): Promise<Credential | undefined>;
  credentialByHash(sha256: string): Promise<Credential | undefined>;
  credentialByClientId(clientId: string): Promise<Credential | undefined>;
  /** Oldest first. */
  credentials(filter?: { readonly projectId?: string; readonly limit?: number }): Promise<readonly Credential[]>;
  /** Ends a credential; the first time counts. False when there is none with that id. */
  revokeCredential(id: string, at: number): Promise<boolean>;

  addServerKey(key: ServerKey): Promise<void>;
  /** Newest first. */
  serverKeys(use: ServerKey['use']): Promise<readonly ServerKey[]>;

  changesSince(cursor: ChangeCursor): Promise<Changes>;
  /** Fails when the store cannot answer; for readiness probes. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
