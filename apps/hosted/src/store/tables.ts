/** Column types as they are stored: text, integers (epoch ms) and JSON as text, so that every SQL database can hold them. */
export interface Tables {
  users: { id: string; name: string; email: string | null; role: string; created_at: number };
  workspaces: { id: string; type: string; name: string; owner_id: string; created_at: number };
  projects: {
    id: string;
    workspace_id: string;
    name: string;
    endpoint: string;
    status: string;
    created_at: number;
    /** Position in the change feed; grows with every write to the table. */
    revision: number;
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
    created_at: number;
    updated_at: number;
    expires_at: number | null;
    revoked_at: number | null;
    revision: number;
  };
  server_keys: { id: string; use: string; jwk: string; created_at: number };
}
