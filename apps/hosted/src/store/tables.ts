import type { ColumnType } from 'kysely';

/** 64-bit integers: some drivers give them back as text. */
type Integer = ColumnType<number | string, number, number>;

/** Column types as they are stored: text, integers (epoch ms) and JSON as text, so that every SQL database can hold them. */
export interface Tables {
  users: { id: string; name: string; email: string | null; role: string; created_at: Integer };
  workspaces: { id: string; type: string; name: string; owner_id: string; created_at: Integer };
  projects: {
    id: string;
    workspace_id: string;
    name: string;
    endpoint: string;
    status: string;
    created_at: Integer;
    /** Position in the change feed; grows with every write to the table. */
    revision: Integer;
  };
  credentials: {
    id: string;
    family: string;
    name: string;
    user_id: string;
    workspace_id: string;
    project_id: string | null;
    project_endpoint: string | null;
    sha256: string | null;
    client_id: string | null;
    public_key: string | null;
    permissions: string | null;
    resources: string | null;
    created_at: Integer;
    updated_at: Integer;
    expires_at: Integer | null;
    revoked_at: Integer | null;
    revision: Integer;
  };
  server_keys: { id: string; use: string; jwk: string; created_at: Integer };
}
