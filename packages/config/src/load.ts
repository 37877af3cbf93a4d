import { open } from 'node:fs/promises';
import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import { LineCounter, isNode, parseDocument, type Document } from 'yaml';
import { isReadableByOthers } from './file-mode.ts';
import { ConfigFile } from './schema.ts';

/** A configuration file in memory. */
export interface LoadedConfig {
  readonly path: string;
  /** False when there is no file yet; then everything is empty. */
  readonly exists: boolean;
  /** Other users can read the file. */
  readonly readableByOthers: boolean;
  readonly config: ConfigFile;
  /** The same content with its comments, unknown keys and order, for a change. */
  readonly document: Document;
}

/**
 * Reads a configuration file; never writes. A missing file is an empty one.
 * @throws RstreamError `ERR_RSTREAM_CONFIG_INVALID` with the line, `ERR_RSTREAM_CONFIG_UNREADABLE`
 */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const source = await readBounded(path);
  const { config, document } = parseConfig(source ?? '', path);
  return { path, exists: source !== undefined, readableByOthers: await isReadableByOthers(path), config, document };
}

/** The pure part of `loadConfig`. `path` is only for messages. */
export function parseConfig(source: string, path: string): { config: ConfigFile; document: Document } {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const what = broken.message.split(' at line ')[0] ?? broken.message;
    throw invalid(path, lines.linePos(broken.pos[0]).line, what);
  }
  const parsed = ConfigFile.safeParse(plainValue(document, path) ?? {});
  if (parsed.success) return { config: parsed.data, document };
  const [issue] = parsed.error.issues;
  const at = issue?.path.map((part) => (typeof part === 'symbol' ? String(part) : part)) ?? [];
  throw invalid(path, lineOf(document, at, lines), `${at.join('.') || 'the file'}: ${issue?.message ?? 'not valid'}`);
}

/** Aliases are allowed, but not so many that a small file becomes a huge value. */
function plainValue(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_CONFIG_INVALID', `${path} uses aliases that cannot be resolved.`, { cause });
  }
}

function invalid(path: string, line: number | undefined, what: string): RstreamError {
  return new RstreamError('ERR_RSTREAM_CONFIG_INVALID', `${path}${line === undefined ? '' : `:${line}`}: ${what}.`.replace('..', '.'));
}

/** Line of the deepest part of the path that is written in the file. */
function lineOf(document: Document, path: readonly (string | number)[], lines: LineCounter): number | undefined {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const node: unknown = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}

async function readBounded(path: string): Promise<string | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw new RstreamError('ERR_RSTREAM_CONFIG_UNREADABLE', `${path} is not a file.`);
      if (found.size > limits.config.fileBytes.default)
        throw new RstreamError('ERR_RSTREAM_CONFIG_INVALID', `${path} is larger than ${limits.config.fileBytes.default} bytes.`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (RstreamError.is(error)) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new RstreamError('ERR_RSTREAM_CONFIG_UNREADABLE', `${path} cannot be read (${code ?? 'unknown reason'}).`, { cause: error });
  }
}
