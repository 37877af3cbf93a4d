import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Context, Hono } from 'hono';
import type * as z from 'zod';
import { limits, RstreamError } from '@rstream/protocol';
import type { ProjectRef } from '@rstream/protocol/claims';
import { requestIdHeader } from '@rstream/protocol/wire';
import type { Logger } from '../log.ts';
import { assertAllowed, type Authenticate, publicError } from './authenticate.ts';
import { readJsonBody } from './body.ts';
import { refusalOf } from './refusal.ts';
import { openApiDocument, openApiMediaType } from './openapi.ts';
import type { EngineContext, Route, Services } from './route.ts';

/** What the HTTP server knows of a request before its route is chosen. */
export interface RequestFacts {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly requestId: string;
  readonly address: string;
  readonly project: ProjectRef | undefined;
}

type Env = { Bindings: RequestFacts };
type AnyContext = EngineContext<unknown, unknown>;
type AnyRoute = Route<AnyContext>;

export interface RouterOptions {
  readonly title: string;
  readonly routes: readonly Route<never>[];
  readonly services: Services;
  readonly authenticate: Authenticate;
  readonly logger: Logger;
}

/** Answers the requests of one route table. Every route passes the same steps: prove, parse, evaluate, run. */
export function createRouter(options: RouterOptions): Hono<Env> {
  const { title, routes, logger } = options;
  const app = new Hono<Env>();
  const document = JSON.stringify(openApiDocument(title, routes));
  app.get('/api/openapi.json', (c) => c.body(document, 200, { 'content-type': openApiMediaType }));
  for (const route of routes as readonly AnyRoute[]) {
    app.on(route.method, route.path.replaceAll(/\{(\w+)\}/g, ':$1'), (c) => answer(route, c, options));
  }
  const methods = Map.groupBy(routes, ({ path }) => path);
  for (const [path, known] of methods) {
    const allow = known.map(({ method }) => method).join(', ');
    app.all(path.replaceAll(/\{(\w+)\}/g, ':$1'), (c) => refuse(c, new RstreamError('METHOD_NOT_ALLOWED'), { allow }));
  }
  app.notFound((c) => refuse(c, new RstreamError('NOT_FOUND')));
  app.onError((error, c) => {
    const shown = publicError(error);
    if (shown.code === 'INTERNAL') logger.error({ request_id: c.env.requestId, err: error }, 'request failed');
    return refuse(c, shown);
  });
  return app;
}

async function answer(route: AnyRoute, c: Context<Env>, { services, authenticate }: RouterOptions): Promise<Response> {
  const { requestId, address, project, outgoing } = c.env;
  const url = new URL(c.req.url);
  const signal = abortOnClose(outgoing);
  const presented = {
    authorization: c.req.header('authorization'),
    query: url.searchParams,
    address,
    queryTokenAllowed: route.queryToken === true,
  };
  const isPublic = route.access.kind === 'public';
  // A public route has no principal and, by its type, no rule that could look at one.
  const principal = isPublic ? (undefined as never) : await authenticate(presented);
  const query = parse(route.query, Object.fromEntries(url.searchParams), 'query');
  const body =
    route.body === undefined ? undefined : parse(route.body, await readJsonBody(c.req.raw, limits.control.requestBytes.default), 'body');
  const context = { services, principal, params: c.req.param(), query, body, requestId, signal, project } as AnyContext;
  if (route.access.kind === 'permission') assertAllowed(principal.allows(route.access.action(context)));
  const result = await route.run(context);
  const response = result instanceof Response ? result : c.json(result as object, route.status ?? 200);
  response.headers.set(requestIdHeader, requestId);
  if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store');
  response.headers.set('x-content-type-options', 'nosniff');
  return response;
}

function parse(schema: z.ZodType | undefined, value: unknown, part: 'query' | 'body'): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue === undefined || issue.path.length === 0 ? part : issue.path.join('.');
  throw new RstreamError('INVALID_REQUEST', `${field}: ${issue?.message ?? 'invalid'}.`, {
    next: `Correct ${field} in the ${part} and send the request again.`,
  });
}

function refuse(c: Context<Env>, error: RstreamError, extra: Readonly<Record<string, string>> = {}): Response {
  const { status, headers, body } = refusalOf(error, c.env.requestId);
  return new Response(body, { status, headers: { ...headers, ...extra } });
}

function abortOnClose(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController();
  outgoing.once('close', () => controller.abort());
  return controller.signal;
}
