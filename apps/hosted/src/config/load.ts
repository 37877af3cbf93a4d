import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import type * as z from 'zod';
import { limits, RstreamError } from '@rstream/protocol';
import { parseListenAddress, parseBaseHost, parseNetworks } from './address.ts';
import { HostedConfig } from './schema.ts';

const ENV_PREFIX = 'RSTREAM_HOSTED_';
const FILE_VARIABLE = `${ENV_PREFIX}CONFIG`;

type Tree = { [key: string]: unknown };

export interface ConfigSources {
  /** Values of the command line, keyed as in the schema; `undefined` = not given. */
  readonly flags?: Tree;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Path of a YAML file; `RSTREAM_HOSTED_CONFIG` names it when absent. */
  readonly file?: string | undefined;
}

/** What was loaded, and which settings somebody chose (a chosen port is never replaced by a free one). */
export interface LoadedConfig {
  readonly config: HostedConfig;
  readonly isChosen: (key: 'metrics.listen' | 'listen') => boolean;
}

/** Reads the settings: flag over environment over file over default. Throws `ERR_RSTREAM_HOSTED_CONFIG` naming the key. */
export function loadHostedConfig({ flags = {}, env = {}, file }: ConfigSources): LoadedConfig {
  const path = file ?? env[FILE_VARIABLE];
  const tree = [path === undefined ? {} : readConfigFile(path), environmentTree(env), flags].reduce(merge, {});
  return { config: parseHostedConfig(tree), isChosen: (key) => valueAt(tree, key) !== undefined };
}

/** Checks settings and fills in the defaults. */
export function parseHostedConfig(input: unknown): HostedConfig {
  const parsed = HostedConfig.safeParse(input);
  if (!parsed.success) throw configError(parsed.error);
  const { listen, metrics, baseHost, trustedProxies } = parsed.data;
  parseListenAddress(listen);
  if (metrics.listen !== 'off') parseListenAddress(metrics.listen);
  parseBaseHost(baseHost);
  parseNetworks(trustedProxies);
  return parsed.data;
}

function readConfigFile(path: string): Tree {
  try {
    if (statSync(path).size > limits.control.configFileBytes.default) throw new Error('the file is too large');
    const value: unknown = parse(readFileSync(path, 'utf8'));
    if (value === null || value === undefined) return {};
    if (typeof value !== 'object' || Array.isArray(value)) throw new Error('the file must hold a mapping');
    return value as Tree;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    throw new RstreamError('ERR_RSTREAM_HOSTED_CONFIG', `The configuration file ${path} cannot be read: ${reason}.`, { cause: error });
  }
}

/** `RSTREAM_HOSTED_METRICS__LISTEN=…` becomes `{ metrics: { listen: … } }`. */
function environmentTree(env: Readonly<Record<string, string | undefined>>): Tree {
  return Object.entries(env).reduce<Tree>((tree, [name, value]) => {
    if (!name.startsWith(ENV_PREFIX) || name === FILE_VARIABLE || value === undefined || value === '') return tree;
    const path = name.slice(ENV_PREFIX.length).split('__').map(camelCase);
    return merge(
      tree,
      path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value),
    );
  }, {});
}

const camelCase = (words: string): string => words.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

function merge(under: unknown, over: unknown): Tree {
  const result: Tree = isTree(under) ? { ...under } : {};
  for (const [key, value] of Object.entries(isTree(over) ? over : {})) {
    if (value === undefined) continue;
    result[key] = isTree(value) ? merge(result[key], value) : value;
  }
  return result;
}

const valueAt = (tree: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((node, key) => (isTree(node) ? node[key] : undefined), tree);

function configError(error: z.ZodError): RstreamError {
  const [issue] = error.issues;
  const at = issue === undefined || issue.path.length === 0 ? '' : ` ${issue.path.join('.')}:`;
  return new RstreamError('ERR_RSTREAM_HOSTED_CONFIG', `Invalid setting:${at} ${issue?.message ?? 'unknown'}.`, {
    details: { issues: error.issues.map(({ path, message }) => ({ key: path.join('.'), message })) },
  });
}
