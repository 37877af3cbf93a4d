import { resolve } from 'node:path';
import * as z from 'zod';
import { limits, RstreamError } from '@rstream/protocol';

const durabilities = ['full', 'rename', 'none'] as const;
/** Larger files than this have no exact size in a number. */
const LARGEST_UPLOAD = Number.MAX_SAFE_INTEGER;

const Root = z.strictObject({
  /** Folder below `/fs`; without it the root is `/fs` itself, and the only one. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}$/, 'has letters, digits, ".", "_", "~" and "-" only')
    .optional(),
  path: z.string().startsWith('/', 'must be an absolute path'),
  readOnly: z.boolean().optional(),
});

/** `files` of the agent's settings: folders that it serves over WebDAV. Nothing is served without a root. */
export const FileSettings = z
  .strictObject({
    roots: z.array(Root).min(1).max(64),
    /** For every root that does not say otherwise. */
    readOnly: z.boolean().default(false),
    maxUploadBytes: z.int().min(0).max(LARGEST_UPLOAD).default(limits.webdav.uploadBytes.default),
    durability: z.enum(durabilities).default('full'),
    /** Do not start where something cannot be contained as it should. */
    strict: z.boolean().default(false),
  })
  .refine(({ roots }) => roots.length === 1 || roots.every(({ name }) => name !== undefined), {
    path: ['roots'],
    message: 'several roots need a name each (--fs-root NAME=DIR)',
  })
  .refine(({ roots }) => new Set(roots.map(({ name }) => name)).size === roots.length, { path: ['roots'], message: 'two have one name' });
export type FileSettings = z.infer<typeof FileSettings>;

/** Flags of the command line about files, as text. */
export interface FileFlags {
  readonly fsRoot?: unknown;
  readonly fsReadOnly?: unknown;
  readonly fsMaxUploadSize?: unknown;
  readonly fsDurability?: unknown;
  readonly fsStrict?: unknown;
}

/**
 * `files` of the configuration file, over which the flags win; a flag with roots replaces all of the file's. Undefined when neither
 * says anything; a flag without any root is an error of the schema.
 */
export function withFileFlags(
  section: Readonly<Record<string, unknown>> | undefined,
  flags: FileFlags,
): Record<string, unknown> | undefined {
  const given = Object.fromEntries(
    Object.entries({
      roots: Array.isArray(flags.fsRoot) ? flags.fsRoot.map((text) => rootOf(String(text))) : undefined,
      readOnly: flags.fsReadOnly,
      maxUploadBytes: typeof flags.fsMaxUploadSize === 'string' ? bytesOf(flags.fsMaxUploadSize) : flags.fsMaxUploadSize,
      durability: flags.fsDurability,
      strict: flags.fsStrict,
    }).filter(([, value]) => value !== undefined),
  );
  return section === undefined && Object.keys(given).length === 0 ? undefined : { ...section, ...given };
}

/** `DIR` or `NAME=DIR`. A folder whose own name holds `=` is written with a slash or a dot before it. */
function rootOf(text: string): { name?: string; path: string } {
  const [, name, path] = /^([^/.=][^/=]*)=(.+)$/s.exec(text) ?? [];
  return name === undefined || path === undefined ? { path: resolve(text) } : { name, path: resolve(path) };
}

const units: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** A number of bytes: `67108864`, `64MiB`, `8G`; units are powers of 1024. */
function bytesOf(text: string): number {
  const [, count, unit = ''] = /^(\d{1,16})\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  const factor = units[unit.toLowerCase()];
  if (count === undefined || factor === undefined)
    throw new RstreamError(
      'ERR_RSTREAM_AGENT_CONFIG',
      `--fs-max-upload-size ${text}: must be a number of bytes, such as 67108864 or 64MiB.`,
    );
  return Number(count) * factor;
}
