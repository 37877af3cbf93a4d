import * as z from 'zod';
import type { Action, Permission, ProjectRef } from '@rstream/protocol/claims';
import type { Inventory } from '@rstream/relay';
import type { Principal } from '../access.ts';
import type { Addresses } from '../addresses.ts';
import type { ProjectDirectory } from '../project-directory.ts';
import type { Store } from '../store/store.ts';
import type { WatcherPlaces } from './watcher-places.ts';

/** What routes work with. */
export interface Services {
  readonly store: Store;
  readonly projects: ProjectDirectory;
  readonly inventory: Inventory;
  readonly watchers: WatcherPlaces;
  readonly addresses: Addresses;
  isReady(): Promise<boolean>;
}

export interface RouteContext<Query, Body> {
  readonly services: Services;
  readonly principal: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly requestId: string;
  /** The project of the engine host; none on the control plane. */
  readonly project: ProjectRef | undefined;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}
/** A route of an engine host always has its project. */
export type EngineContext<Query, Body> = RouteContext<Query, Body> & { readonly project: ProjectRef };

/** Who may call a route; there is no default, so a route without a rule does not compile. */
export type RouteAccess<Context> =
  | { readonly kind: 'public' }
  /** Any valid credential: the answer is about the credential itself. */
  | { readonly kind: 'credential' }
  /** The evaluator decides about `action`; `permission` is what the documentation names. */
  | { readonly kind: 'permission'; readonly permission: Permission; action(context: Context): Action }
  /** As `permission`, decided by the handler for each row; nothing is shown that it refuses. */
  | { readonly kind: 'rows'; readonly permission: Permission };

export interface Route<Context> {
  readonly method: 'GET' | 'POST';
  /** Path with `{name}` for parameters. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly access: RouteAccess<Context>;
  readonly query?: z.ZodType | undefined;
  readonly body?: z.ZodType | undefined;
  /** Schema of the JSON answer. */
  readonly response: z.ZodType;
  readonly contentType?: string;
  /** True where browsers may send the token in the query. */
  readonly queryToken?: boolean;
  readonly status?: 200 | 201;
  run(context: Context): unknown;
}

type Shape<Query extends z.ZodType, Body extends z.ZodType, Context> = Omit<Route<Context>, 'query' | 'body'> & {
  readonly query?: Query;
  readonly body?: Body;
};

/** A route of the control plane. The schemas give `query` and `body` of the context their types. */
export const controlRoute = <Query extends z.ZodType = z.ZodUndefined, Body extends z.ZodType = z.ZodUndefined>(
  route: Shape<Query, Body, RouteContext<z.output<Query>, z.output<Body>>>,
): Route<never> => route;

/** A route of an engine host. */
export const engineRoute = <Query extends z.ZodType = z.ZodUndefined, Body extends z.ZodType = z.ZodUndefined>(
  route: Shape<Query, Body, EngineContext<z.output<Query>, z.output<Body>>>,
): Route<never> => route;

/** A query parameter that holds URL-encoded JSON. */
export function jsonParameter<T extends z.ZodType>(schema: T, maxBytes: number) {
  return z
    .string()
    .max(maxBytes)
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'must be JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema as z.ZodType<z.output<T>>)
    .meta({ contentSchema: z.toJSONSchema(schema, { io: 'input' }) });
}
