import * as z from 'zod';
import { RstreamError } from '@rstream/protocol';
import { Project, ProjectList, PageQuery, TokenCreate, TokenCreated, Whoami, WorkspaceList } from '@rstream/protocol/control';
import type { Principal } from '../access.ts';
import type { StoredProject } from '../store/entities.ts';
import type { Addresses } from '../addresses.ts';
import { controlRoute, type Route, type Services } from './route.ts';

const projectRef = ({ id, workspaceId, endpoint }: StoredProject) => ({ id, workspaceId, endpoint });

const mayRead = (principal: Principal, project: StoredProject): boolean =>
  principal.allows({
    type: 'control',
    permission: 'account.projects.read-only',
    workspaceId: project.workspaceId,
    project: projectRef(project),
  }).allowed;

const projectView = (project: StoredProject, { baseName, port }: Addresses): Project => ({
  id: project.id,
  workspaceId: project.workspaceId,
  name: project.name,
  endpoint: project.endpoint,
  domain: baseName,
  enginePort: port,
  status: project.status,
  routing: 'regional',
  plan: 'self-hosted',
  deployment: 'self-hosted',
});

async function readableProjects({ store }: Services, principal: Principal): Promise<readonly StoredProject[]> {
  const workspaces = await store.workspacesOf(principal.userId);
  const projects = await store.projects(workspaces.map(({ id }) => id));
  return projects.filter((project) => mayRead(principal, project));
}

const ProjectQuery = PageQuery.extend({ sort: z.enum(['id', 'name', 'endpoint', 'status', 'plan', 'deployment']).optional() });
type ProjectQuery = z.output<typeof ProjectQuery>;

/** One page of projects, sorted; equal ones by id, so that pages never overlap. */
function projectPage(projects: readonly Project[], { q, page, pageSize, sort = 'name', order }: ProjectQuery): ProjectList {
  const needle = q?.toLowerCase();
  const direction = order === 'asc' ? 1 : -1;
  const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
  const found = projects
    .filter(({ name, endpoint }) => needle === undefined || name.toLowerCase().includes(needle) || endpoint.includes(needle))
    .toSorted((a, b) => direction * (compare(a[sort], b[sort]) || compare(a.id, b.id)));
  const first = (page - 1) * pageSize;
  const total = found.length;
  return { projects: found.slice(first, first + pageSize), page, pageSize, total, totalPages: Math.ceil(total / pageSize) };
}

const whoami = controlRoute({
  method: 'GET',
  path: '/api/whoami',
  operationId: 'whoami',
  summary: 'Who the credential belongs to and what it may use at most.',
  access: { kind: 'credential' },
  response: Whoami,
  async run({ services, principal }): Promise<Whoami> {
    const user = await services.store.user(principal.userId);
    if (user === undefined) throw new RstreamError('UNAUTHORIZED', 'The owner of this credential is gone.');
    const { id, role, name, email } = user;
    return {
      id,
      role,
      name,
      ...(email === undefined ? {} : { email }),
      ...(principal.permissions === null ? {} : { permissions: [...principal.permissions] }),
    };
  },
});

const listWorkspaces = controlRoute({
  method: 'GET',
  path: '/api/workspaces',
  operationId: 'listWorkspaces',
  summary: 'Workspaces of the owner that the credential may see.',
  access: { kind: 'rows', permission: 'account.workspaces.read-only' },
  response: WorkspaceList,
  async run({ services, principal }) {
    const workspaces = await services.store.workspacesOf(principal.userId);
    const decisions = workspaces.map(({ id }) =>
      principal.allows({ type: 'control', permission: 'account.workspaces.read-only', workspaceId: id }),
    );
    refuseWhenNothingIsAllowed(decisions);
    const seen = workspaces.filter((_, index) => decisions[index]?.allowed === true);
    return { workspaces: seen.map(({ id, type, name }) => ({ id, type, name })) };
  },
});

const listProjects = controlRoute({
  method: 'GET',
  path: '/api/projects/tunnels',
  operationId: 'listProjects',
  summary: 'Projects that the credential may see.',
  access: { kind: 'rows', permission: 'account.projects.read-only' },
  query: ProjectQuery,
  response: ProjectList,
  async run({ services, principal, query }) {
    const projects = await readableProjects(services, principal);
    return projectPage(
      projects.map((project) => projectView(project, services.addresses)),
      query,
    );
  },
});

const listWorkspaceProjects = controlRoute({
  method: 'GET',
  path: '/api/workspaces/{workspaceId}/projects/tunnels',
  operationId: 'listWorkspaceProjects',
  summary: 'Projects of one workspace that the credential may see.',
  access: { kind: 'rows', permission: 'account.projects.read-only' },
  query: ProjectQuery,
  response: ProjectList,
  async run({ services, principal, params, query }) {
    const projects = await readableProjects(services, principal);
    return projectPage(
      projects
        .filter(({ workspaceId }) => workspaceId === params['workspaceId'])
        .map((project) => projectView(project, services.addresses)),
      query,
    );
  },
});

const resolveProject = controlRoute({
  method: 'GET',
  path: '/api/projects/tunnels/resolve/{endpoint}',
  operationId: 'resolveProject',
  summary: 'The project with an endpoint. One that the credential may not see reads as absent.',
  access: { kind: 'rows', permission: 'account.projects.read-only' },
  response: Project,
  async run({ services, principal, params }): Promise<Project> {
    const project = await services.store.projectByEndpoint(params['endpoint'] ?? '');
    if (project === undefined || !mayRead(principal, project)) throw new RstreamError('NOT_FOUND', 'No project has this endpoint.');
    return projectView(project, services.addresses);
  },
});

/** Also served on engine hosts, for callers that know no control plane. */
export const createToken = controlRoute({
  method: 'POST',
  path: '/api/tokens',
  operationId: 'createToken',
  summary: 'A short-lived token with at most the rights of this one.',
  access: {
    kind: 'permission',
    permission: 'account.tokens.create',
    action: ({ project }) => ({ type: 'control', permission: 'account.tokens.create', ...(project === undefined ? {} : { project }) }),
  },
  body: TokenCreate,
  response: TokenCreated,
  run: ({ principal, body, project }) => principal.delegate(body, project),
});

function refuseWhenNothingIsAllowed(decisions: readonly ReturnType<Principal['allows']>[]): void {
  const refused = decisions.find((decision) => !decision.allowed);
  if (refused !== undefined && !refused.allowed && decisions.every((decision) => !decision.allowed)) throw refused.error;
}

export const controlRoutes: readonly Route<never>[] = [
  whoami,
  listWorkspaces,
  listProjects,
  listWorkspaceProjects,
  resolveProject,
  createToken,
];
