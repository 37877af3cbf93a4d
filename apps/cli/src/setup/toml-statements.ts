import { parse } from 'smol-toml';

/** A statement of a TOML document: a table header or a key with its value, which may take several lines. */
export interface TomlStatement {
  readonly kind: 'table' | 'array-table' | 'key';
  /** Full path from the root: of the table, or of the key including its table. */
  readonly path: readonly string[];
  /** Offsets in the source; `end` is after the line break. */
  readonly start: number;
  readonly end: number;
  /** For a key: where the line, or its first line, begins with the key itself. */
  readonly key?: string;
}

/** The statements of a valid TOML document in order. Comments and blank lines lie between them. */
export function tomlStatements(source: string): TomlStatement[] {
  const statements: TomlStatement[] = [];
  let table: readonly string[] = [];
  for (let start = 0; start < source.length;) {
    const end = statementEnd(source, start);
    const text = source.slice(start, end).trim();
    if (text.startsWith('[')) {
      const kind = text.startsWith('[[') ? 'array-table' : 'table';
      table = deepestPath(parse(text));
      statements.push({ kind, path: table, start, end });
    } else if (text !== '' && !text.startsWith('#')) {
      const key = source.slice(start, equalsAt(source, start)).trim();
      statements.push({ kind: 'key', path: [...table, ...deepestPath(parse(`${key} = 0`))], start, end, key });
    }
    start = end;
  }
  return statements;
}

/** The path through an object of which every level has one key. */
function deepestPath(value: unknown): string[] {
  const inner: unknown = Array.isArray(value) ? value[0] : value;
  if (typeof inner !== 'object' || inner === null) return [];
  const [entry] = Object.entries(inner);
  return entry === undefined ? [] : [entry[0], ...deepestPath(entry[1])];
}

/** Offset after the line break that ends the statement at `start`: one that is in no string and no bracket. */
function statementEnd(source: string, start: number): number {
  let depth = 0;
  for (let at = start; at < source.length;) {
    const character = source.charAt(at);
    if (character === '\n' && depth === 0) return at + 1;
    if (character === '#') {
      const lineEnd = source.indexOf('\n', at);
      at = lineEnd === -1 ? source.length : lineEnd;
      continue;
    }
    if (character === '"' || character === "'") {
      at = stringEnd(source, at);
      continue;
    }
    if (character === '[' || character === '{') depth += 1;
    if (character === ']' || character === '}') depth -= 1;
    at += 1;
  }
  return source.length;
}

function equalsAt(source: string, start: number): number {
  for (let at = start; at < source.length;) {
    const character = source.charAt(at);
    if (character === '=') return at;
    at = character === '"' || character === "'" ? stringEnd(source, at) : at + 1;
  }
  return source.length;
}

/** Offset after the string that begins at `start`. */
function stringEnd(source: string, start: number): number {
  const quote = source.charAt(start);
  const long = source.startsWith(quote.repeat(3), start);
  const close = long ? quote.repeat(3) : quote;
  for (let at = start + close.length; at < source.length; at += 1) {
    if (quote === '"' && source.charAt(at) === '\\') {
      at += 1;
    } else if (source.startsWith(close, at)) {
      at += close.length;
      // A long string may end in up to two quotes of its own.
      if (!long) return at;
      while (source.charAt(at) === quote) at += 1;
      return at;
    }
  }
  return source.length;
}
