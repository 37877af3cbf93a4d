/**
 * The configuration file and its contexts: which engine, which credential, and the rules about where a credential may go.
 *
 * @example
 * ```ts
 * import { configPath, createContext, readTokenFile, resolveContext, updateConfig } from '@rstream/config';
 *
 * const token = await readTokenFile('owner.token');
 * await updateConfig(configPath(), (config) => {
 *   createContext(config, 'home', { engine: 'f587ee53.rstream.localhost:8080', token, makeDefault: true });
 * });
 * const context = await resolveContext({ flags: { context: 'home' } });
 * console.log(context.engine, context.tokenSource); // the token itself is context.token
 * ```
 *
 * @module
 */
export { writeFileAtomic, type WriteOptions } from './atomic-file.ts';
export {
  createContext,
  defaultContextName,
  deleteContext,
  findContext,
  listContexts,
  updateContext,
  useContext,
  viewContext,
  type ContextChange,
  type ContextSelector,
  type ContextView,
} from './contexts.ts';
export { normalizeEngine } from './engine-address.ts';
export { loadConfig, parseConfig, type LoadedConfig } from './load.ts';
export { withFileLock, type LockOptions } from './lock.ts';
export { configPath, type Env } from './paths.ts';
export { resolveContext, resolveFrom, type ContextFlags, type ResolvedContext, type ResolveOptions, type TokenSource } from './resolve.ts';
export { saveConfig, updateConfig } from './save.ts';
export type { ConfigFile, Context, Environment, Transport } from './schema.ts';
export { assertFresh, parseToken, readTokenFile, tokenFacts, type TokenFacts } from './token.ts';
