import * as z from 'zod';

const numeric = (value: unknown): unknown => (typeof value === 'string' && /^\s*-?\d+\s*$/.test(value) ? Number(value) : value);
const truth = (value: unknown): unknown => (value === 'true' ? true : value === 'false' ? false : value);
const trimmed = (value: unknown): unknown => (typeof value === 'string' && value.trim() === '' ? undefined : value);

/** A whole number in a range. Models write `3000` and `"3000"`: both are taken; the schema advertises the number. */
export const integer = (min: number, max: number, description?: string) =>
  z
    .preprocess(numeric, z.int().min(min).max(max))
    .meta({ type: 'integer', minimum: min, maximum: max, ...(description === undefined ? {} : { description }) });

/** A boolean, also as the words `"true"` and `"false"`. */
export const flag = (description?: string) =>
  z.preprocess(truth, z.boolean()).meta({ type: 'boolean', ...(description === undefined ? {} : { description }) });

/** Optional text in which blank means absent. */
export const text = (max: number, description?: string) =>
  z
    .preprocess(trimmed, z.string().max(max).optional())
    .optional()
    .meta({ type: 'string', ...(description === undefined ? {} : { description }) });

/** `K=V` pairs: a list of strings or an object. The result is always an object. */
export const pairs = (description: string) =>
  z
    .preprocess(pairsOf, z.record(z.string().min(1).max(128), z.string().max(32_768)))
    .meta({ type: 'array', items: { type: 'string' }, description });

function pairsOf(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const entries = value.map((item: unknown) => {
    const at = typeof item === 'string' ? item.indexOf('=') : -1;
    return typeof item === 'string' && at > 0 ? ([item.slice(0, at), item.slice(at + 1)] as const) : undefined;
  });
  // A malformed pair is left to the schema, whose message names the field.
  return entries.some((entry) => entry === undefined) ? value : Object.fromEntries(entries.filter((entry) => entry !== undefined));
}

/** The four names under which a project may be chosen; the first that is set wins: id, endpoint, name, project. */
export const projectInputs = {
  project: text(128, 'Project name, endpoint or id; default: that of the selected context.'),
  project_id: text(128),
  project_endpoint: text(128),
  project_name: text(128),
};

/** The chosen project as the ports take it. */
export function projectOf(input: {
  readonly project?: string | undefined;
  readonly project_id?: string | undefined;
  readonly project_endpoint?: string | undefined;
  readonly project_name?: string | undefined;
}): { project?: string } {
  const chosen = input.project_id ?? input.project_endpoint ?? input.project_name ?? input.project;
  return chosen === undefined ? {} : { project: chosen };
}
