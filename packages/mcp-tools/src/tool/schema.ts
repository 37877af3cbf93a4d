import * as z from 'zod';

/** A JSON Schema object as MCP carries it. */
export interface ObjectSchema {
  readonly type: 'object';
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly [key: string]: unknown;
}

const isNoise = (key: string, value: unknown): boolean =>
  key === '$schema' ||
  (key === 'minimum' && value === Number.MIN_SAFE_INTEGER) ||
  (key === 'maximum' && value === Number.MAX_SAFE_INTEGER) ||
  (key === 'additionalProperties' && typeof value === 'object' && value !== null && Object.keys(value).length === 0);

function trim(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(trim);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, item]) => !isNoise(key, item))
      .map(([key, item]) => [key, trim(item)]),
  );
}

/** The JSON Schema of a zod object without what costs context and says nothing: dialect, safe-integer bounds, empty defaults. */
export function objectSchema(schema: z.ZodObject, io: 'input' | 'output'): ObjectSchema {
  return trim(z.toJSONSchema(schema, { io, unrepresentable: 'any' })) as ObjectSchema;
}
