import { RstreamError } from '@rstream/protocol';
import { YAMLMap, YAMLSeq, type Document } from 'yaml';
import type { LoadedConfig } from './load.ts';
import type { ConfigFile, Context } from './schema.ts';

/** Names one context; `apiUrl` decides when several have the name. */
export interface ContextSelector {
  readonly name: string;
  readonly apiUrl?: string | undefined;
}

/** What a context is made of. In a change, an absent key stays as it is and `null` removes it. */
export interface ContextChange {
  readonly apiUrl?: string | null;
  readonly engine?: string | null;
  readonly projectEndpoint?: string | null;
  /** Stored inline in the file, which is 0600. */
  readonly token?: string | null;
  readonly caFile?: string | null;
}

/** A context as it may be shown: no credential, no header values. */
export interface ContextView {
  readonly name: string;
  readonly default: boolean;
  readonly engine?: string;
  readonly apiUrl?: string;
  readonly projectEndpoint?: string;
  readonly region?: string;
  /** A token is stored for it. */
  readonly hasToken: boolean;
}

export function defaultContextName(config: ConfigFile): string | undefined {
  return config.defaults?.context?.name;
}

/** Every context in file order, without secrets. */
export function listContexts(config: ConfigFile): ContextView[] {
  return (config.contexts ?? []).map((context) => viewContext(context, config));
}

export function viewContext(context: Context, config: ConfigFile): ContextView {
  const { name, engine, apiUrl, projectEndpoint, region } = context;
  return {
    name,
    default: name === defaultContextName(config),
    ...(engine === undefined ? {} : { engine }),
    ...(apiUrl === undefined ? {} : { apiUrl }),
    ...(projectEndpoint === undefined ? {} : { projectEndpoint }),
    ...(region === undefined ? {} : { region }),
    hasToken: context.auth?.token?.storage !== undefined,
  };
}

/** @throws RstreamError `ERR_RSTREAM_CONTEXT_NOT_FOUND`, `ERR_RSTREAM_CONTEXT_AMBIGUOUS` */
export function findContext(config: ConfigFile, { name, apiUrl }: ContextSelector): Context {
  const named = (config.contexts ?? []).filter((context) => context.name === name);
  const matching = named.length > 1 ? named.filter((context) => context.apiUrl === apiUrl) : named;
  const [found, second] = matching;
  if (found !== undefined && second === undefined) return found;
  if (named.length > 1) throw new RstreamError('ERR_RSTREAM_CONTEXT_AMBIGUOUS', `Several contexts are named "${name}".`);
  const names = (config.contexts ?? []).map((context) => context.name);
  const known = names.length === 0 ? 'There are no contexts yet.' : `Known contexts: ${names.slice(0, 10).join(', ')}.`;
  throw new RstreamError('ERR_RSTREAM_CONTEXT_NOT_FOUND', `There is no context "${name}". ${known}`);
}

/** Adds a context; the first one becomes the default. For `updateConfig`. */
export function createContext(
  loaded: LoadedConfig,
  name: string,
  { makeDefault = false, ...change }: ContextChange & { makeDefault?: boolean },
): void {
  const { config, document } = loaded;
  const taken = (config.contexts ?? []).some((context) => context.name === name && context.apiUrl === (change.apiUrl ?? undefined));
  if (taken) throw new RstreamError('ERR_RSTREAM_CONTEXT_EXISTS', `A context named "${name}" exists.`);
  if (!document.has('version')) document.set('version', 1);
  const node = document.createNode({ name }) as YAMLMap;
  contextNodes(document).add(node);
  applyChange(document, node, change);
  if (makeDefault || defaultContextName(config) === undefined) setDefault(document, name);
}

/** Changes what `change` names and nothing else. For `updateConfig`. */
export function updateContext(loaded: LoadedConfig, selector: ContextSelector, change: ContextChange): void {
  const index = indexOf(loaded.config, selector);
  applyChange(loaded.document, contextNodes(loaded.document).get(index) as YAMLMap, change);
}

/** Removes a context; when it was the default there is none afterwards. For `updateConfig`. */
export function deleteContext(loaded: LoadedConfig, selector: ContextSelector): void {
  const index = indexOf(loaded.config, selector);
  contextNodes(loaded.document).delete(index);
  const another = (loaded.config.contexts ?? []).some((context, at) => at !== index && context.name === selector.name);
  if (defaultContextName(loaded.config) === selector.name && !another) loaded.document.deleteIn(['defaults', 'context']);
}

/** Makes a context the default. For `updateConfig`. */
export function useContext(loaded: LoadedConfig, selector: ContextSelector): void {
  findContext(loaded.config, selector);
  setDefault(loaded.document, selector.name);
}

function indexOf(config: ConfigFile, selector: ContextSelector): number {
  return (config.contexts ?? []).indexOf(findContext(config, selector));
}

function setDefault(document: Document, name: string): void {
  if (!(document.get('defaults') instanceof YAMLMap)) document.set('defaults', document.createNode({}));
  if (!(document.getIn(['defaults', 'context']) instanceof YAMLMap)) document.setIn(['defaults', 'context'], document.createNode({}));
  document.setIn(['defaults', 'context', 'name'], name);
}

function contextNodes(document: Document): YAMLSeq {
  const found = document.get('contexts');
  if (found instanceof YAMLSeq) {
    // `contexts: []` would put the new entry on the same line.
    if (found.items.length === 0) found.flow = false;
    return found;
  }
  const created = new YAMLSeq();
  document.set('contexts', created);
  return created;
}

function applyChange(document: Document, node: YAMLMap, { token, caFile, ...fields }: ContextChange): void {
  for (const [key, value] of Object.entries(fields)) {
    if (value === null) node.delete(key);
    else if (value !== undefined) node.set(key, value);
  }
  if (token === null) node.deleteIn(['auth', 'token']);
  else if (token !== undefined) setPath(document, node, ['auth', 'token', 'storage'], { kind: 'inline', value: token });
  if (caFile === null) node.deleteIn(['transport', 'tls', 'caFile']);
  else if (caFile !== undefined) setPath(document, node, ['transport', 'tls', 'caFile'], caFile);
}

/** Like `setIn`, which cannot make the maps on the way. */
function setPath(document: Document, root: YAMLMap, path: readonly string[], value: unknown): void {
  let at = root;
  for (const key of path.slice(0, -1)) {
    const next = at.get(key);
    if (next instanceof YAMLMap) {
      at = next;
      continue;
    }
    const created = new YAMLMap();
    at.set(key, created);
    at = created;
  }
  at.set(path.at(-1), document.createNode(value));
}
