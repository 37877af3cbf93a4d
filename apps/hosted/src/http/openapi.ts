import * as z from 'zod';
import { productVersion } from '@rstream/protocol';
import { errorHeader, tokenQueryParameter, WireErrorBody } from '@rstream/protocol/wire';
import type { Route } from './route.ts';

export const openApiMediaType = 'application/vnd.oai.openapi+json;version=3.1';

type Json = { readonly [key: string]: unknown };

/** The OpenAPI 3.1 description of a route table, from the same schemas that check requests. */
export function openApiDocument(title: string, routes: readonly Route<never>[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  return {
    openapi: '3.1.0',
    info: { title, version: productVersion },
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        query: { type: 'apiKey', in: 'query', name: tokenQueryParameter },
      },
      responses: { Error: errorResponse },
    },
  };
}

function operationOf(route: Route<never>): Json {
  const { access, body, contentType = 'application/json', status = 200 } = route;
  const permission = 'permission' in access ? { 'x-rstream-permissions': [access.permission] } : {};
  const security = access.kind === 'public' ? [] : [{ bearer: [] }, ...(route.queryToken === true ? [{ query: [] }] : [])];
  return {
    operationId: route.operationId,
    summary: route.summary,
    security,
    ...permission,
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(body, 'input') } } } }),
    responses: {
      [status]: { description: 'The answer.', content: { [contentType]: { schema: jsonSchema(route.response, 'output') } } },
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

const pathParameters = (path: string): Json[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));

function queryParameters(query: z.ZodType | undefined): Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(query, 'input') as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties).map(([name, { contentSchema, ...schema }]) => {
    const content = contentSchema === undefined ? { schema } : { content: { 'application/json': { schema: contentSchema } } };
    return Object.assign(content, { name, in: 'query', required: required.includes(name) });
  });
}

/** Recursive schemas become `$defs` inside each operation: longer, but every operation can be read alone. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

const errorResponse: Json = {
  description: 'The request was refused.',
  headers: { [errorHeader]: { description: 'The stable error code.', schema: { type: 'string' } } },
  content: { 'application/json': { schema: jsonSchema(WireErrorBody, 'output') } },
};
