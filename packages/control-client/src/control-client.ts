import { Project, ProjectList, TokenCreated, Whoami, WorkspaceList, type TokenCreate, type Workspace } from '@rstream/protocol/control';
import type { CreatedToken } from './engine-client.ts';
import { createTransport, type CallOptions, type ClientOptions } from './transport.ts';

export interface ControlClientOptions extends ClientOptions {
  /** With scheme: `https://rstream.example.com`. */
  readonly baseUrl: string;
}

/** Paging and search of a list. `page` counts from 1; `pageSize` is 1–100, by default 20. */
export interface ProjectQuery {
  readonly workspaceId?: string;
  readonly q?: string;
  readonly page?: number;
  readonly pageSize?: number;
  readonly sort?: 'id' | 'name' | 'endpoint' | 'status' | 'plan' | 'deployment';
  readonly order?: 'asc' | 'desc';
}

/** One page of projects. */
export type ProjectPage = ReturnType<typeof ProjectList.parse>;

/** The control plane. Every call throws `RstreamError`, with the server's own code when it gave one. */
export interface ControlClient {
  whoami(options?: CallOptions): Promise<Whoami>;
  readonly workspaces: { list(options?: CallOptions): Promise<Workspace[]> };
  readonly projects: {
    list(query?: ProjectQuery, options?: CallOptions): Promise<ProjectPage>;
    /** The project with this endpoint (8 hex characters). @throws RstreamError `NOT_FOUND` */
    resolve(endpoint: string, options?: CallOptions): Promise<Project>;
  };
  readonly tokens: {
    /** A delegated token that can do no more than the one that asks for it. */
    create(request: TokenCreate, options?: CallOptions): Promise<CreatedToken>;
  };
}

/** A client of one control plane. Nothing is sent until it is called. */
export function createControlClient({ baseUrl, ...options }: ControlClientOptions): ControlClient {
  const api = createTransport(baseUrl, options);
  return {
    whoami: (call = {}) => api.call({ ...call, path: '/api/whoami', result: Whoami }),
    workspaces: {
      list: async (call = {}) => (await api.call({ ...call, path: '/api/workspaces', result: WorkspaceList })).workspaces,
    },
    projects: {
      list({ workspaceId, page, pageSize, ...search } = {}, call = {}) {
        const path =
          workspaceId === undefined ? '/api/projects/tunnels' : `/api/workspaces/${encodeURIComponent(workspaceId)}/projects/tunnels`;
        return api.call({
          ...call,
          path,
          query: { ...search, page: page?.toString(), pageSize: pageSize?.toString() },
          result: ProjectList,
        });
      },
      resolve: (endpoint, call = {}) =>
        api.call({ ...call, path: `/api/projects/tunnels/resolve/${encodeURIComponent(endpoint)}`, result: Project }),
    },
    tokens: {
      create: (body, call = {}) => api.call({ ...call, method: 'POST', path: '/api/tokens', body, result: TokenCreated }),
    },
  };
}
