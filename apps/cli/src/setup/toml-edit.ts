import { parse, stringify } from 'smol-toml';
import { RstreamError } from '@rstream/protocol';
import { tomlStatements, type TomlStatement } from './toml-statements.ts';

export type TomlTable = Record<string, unknown>;

/** Parses a document. @throws RstreamError `ERR_RSTREAM_SETUP_FAILED` with line and reason */
export function parseToml(source: string, file: string): TomlTable {
  try {
    return parse(source);
  } catch (cause) {
    const [reason = ''] = (cause as Error).message.split('\n');
    const line = (cause as { line?: number }).line;
    throw new RstreamError('ERR_RSTREAM_SETUP_FAILED', `${file}${line === undefined ? '' : `:${line}`} is not valid TOML: ${reason}`, {
      next: 'Correct the file; nothing was changed.',
      cause,
    });
  }
}

/** The table at a path, when there is one. */
export function tableAt(root: TomlTable, path: readonly string[]): TomlTable | undefined {
  let at: unknown = root;
  for (const key of path) at = isTable(at) ? at[key] : undefined;
  return isTable(at) ? at : undefined;
}

export function isTable(value: unknown): value is TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/**
 * Takes a table with all below it out of the document, however it is written, and puts `block` in its place, or at the end when there was
 * none. Everything else stays byte for byte, also comments above the following table.
 */
export function replaceSubtree(source: string, path: readonly string[], block: string): string {
  const statements = tomlStatements(source);
  const first = statements.find((statement) => startsWith(statement.path, path));
  if (first === undefined) return append(source, block);
  let rest = source;
  for (const [at, { path: own, start, end }] of [...statements.entries()].toReversed()) {
    if (!startsWith(own, path)) continue;
    // Comments between two lines of the table go with it.
    const before = statements[at - 1];
    rest = rest.slice(0, before !== undefined && startsWith(before.path, path) ? before.end : start) + rest.slice(end);
  }
  // A key of another table can stand after the place; a new table may only begin where no other one goes on.
  const isHeader = first.kind !== 'key';
  if (block === '') return rest;
  return isHeader ? `${rest.slice(0, first.start)}${block}${separated(rest.slice(first.start))}` : append(rest, block);
}

/** Sets some keys of a table that has a header of its own; its comments and other keys stay. `undefined` removes a key. */
export function setKeys(source: string, path: readonly string[], values: TomlTable): string {
  let result = source;
  for (const [key, value] of Object.entries(values)) result = setKey(result, [...path, key], value);
  return result;
}

function setKey(source: string, path: readonly string[], value: unknown): string {
  const table = path.slice(0, -1);
  const key = path.at(-1) ?? '';
  const statements = tomlStatements(source);
  const own = statements.filter((statement) => startsWith(statement.path, path));
  const line = value === undefined ? '' : stringifyKey(key, value);
  const single = own.length === 1 && own[0]?.kind === 'key' && own[0].path.length === path.length ? own[0] : undefined;
  if (single !== undefined) return source.slice(0, single.start) + line + source.slice(single.end);
  let rest = source;
  for (const { start, end } of own.toReversed()) rest = rest.slice(0, start) + rest.slice(end);
  if (value === undefined) return rest;
  const header = tomlStatements(rest).find(
    (statement): statement is TomlStatement => statement.kind === 'table' && samePath(statement.path, table),
  );
  if (header === undefined) throw new RstreamError('ERR_RSTREAM_SETUP_FAILED', `The table ${table.join('.')} has no header of its own.`);
  const head = rest.slice(0, header.end);
  return `${head}${head.endsWith('\n') ? '' : '\n'}${line}${rest.slice(header.end)}`;
}

/** True when the table is written with a header `[a.b]`, so that single keys of it can be changed. */
export function hasOwnHeader(source: string, path: readonly string[]): boolean {
  return tomlStatements(source).some((statement) => statement.kind === 'table' && samePath(statement.path, path));
}

/** `key = value` on one line, an inner table in its inline form. */
function stringifyKey(key: string, value: unknown): string {
  if (!isTable(value)) return `${stringify({ [key]: value }).trimEnd()}\n`;
  const inner = Object.entries(value).map(([name, item]) => stringify({ [name]: item }).trimEnd());
  return `${stringify({ [key]: 0 }).split(' = ')[0] ?? key} = { ${inner.join(', ')} }\n`;
}

/** A table as a block of lines with its header; inner tables are written inline. */
export function tableBlock(path: readonly string[], values: TomlTable): string {
  const lines = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => stringifyKey(key, value));
  return `[${path.join('.')}]\n${lines.join('')}`;
}

function append(source: string, block: string): string {
  if (block === '' || source.trim() === '') return source.trim() === '' && block !== '' ? source + block : source;
  return `${source}${source.endsWith('\n') ? '' : '\n'}${source.endsWith('\n\n') ? '' : '\n'}${block}`;
}

function separated(rest: string): string {
  return rest === '' || rest.startsWith('\n') || rest.startsWith('\r') ? rest : `\n${rest}`;
}

function startsWith(path: readonly string[], prefix: readonly string[]): boolean {
  return prefix.every((part, at) => path[at] === part);
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && startsWith(a, b);
}
