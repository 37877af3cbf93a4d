import * as z from 'zod';
import { Permission, Resources } from './claims.ts';

/** Paging that every list of the control plane takes and returns. */
export const PageQuery = z.object({
  q: z.string().max(256).optional(),
  page: z.coerce.number().int().min(1).default(1),
  pageSize: z.coerce.number().int().min(1).max(100).default(20),
  sort: z.string().max(32).optional(),
  order: z.enum(['asc', 'desc']).default('asc'),
});
const page = { page: z.int(), pageSize: z.int(), total: z.int(), totalPages: z.int() };

export const Whoami = z.object({
  id: z.string(),
  role: z.string(),
  name: z.string().optional(),
  email: z.string().optional(),
  permissions: z.array(Permission).optional(),
});
export type Whoami = z.infer<typeof Whoami>;

export const Workspace = z.object({ id: z.string(), type: z.enum(['personal', 'team']), name: z.string() });
export type Workspace = z.infer<typeof Workspace>;
export const WorkspaceList = z.object({ workspaces: z.array(Workspace) });
export type WorkspaceList = z.infer<typeof WorkspaceList>;

/** A tunnels project; its engine address is `<endpoint>.<domain>:<enginePort>`. */
export const Project = z.object({
  id: z.string(),
  workspaceId: z.string(),
  name: z.string(),
  endpoint: z.string().regex(/^[0-9a-f]{8}$/),
  domain: z.string(),
  enginePort: z.int(),
  status: z.enum(['active', 'suspended']),
  routing: z.enum(['regional', 'global']),
  provider: z.string().optional(),
  region: z.string().optional(),
  plan: z.string(),
  deployment: z.string(),
});
export type Project = z.infer<typeof Project>;
export const ProjectList = z.object({ projects: z.array(Project), ...page });
export type ProjectList = z.infer<typeof ProjectList>;

/** `POST /api/tokens`: a delegated token, 1–3600 s (default 60). */
export const TokenCreate = z.strictObject({
  permissions: z.array(Permission).nullable(),
  resources: Resources.optional(),
  expires_in: z.int().min(1).max(3600).optional(),
});
export type TokenCreate = z.infer<typeof TokenCreate>;
export const TokenCreated = z.object({ token: z.string(), expires_at: z.string().optional() });
export type TokenCreated = z.infer<typeof TokenCreated>;

/** `DIR/ready.json`: what a script needs to know once the hosted process listens. No secret. */
export const Ready = z.object({
  apiUrl: z.string(),
  /** HOST:PORT of the first project. */
  engine: z.string(),
  /** Endpoint of the first project. */
  project: z.string(),
  ownerTokenFile: z.string(),
  metricsUrl: z.string().optional(),
  pid: z.int(),
});
export type Ready = z.infer<typeof Ready>;
