import {
  configPath,
  defaultContextName,
  listContexts,
  loadConfig,
  resolveFrom,
  type ContextFlags,
  type ResolvedContext,
} from '@rstream/config';
import type { ContextPort, ContextState, ContextSummary } from '@rstream/mcp-tools';
import { toRstreamError } from '@rstream/protocol';

const present = <Value extends object>(value: Value): { [Key in keyof Value]?: Exclude<Value[Key], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as never;

/** Contexts of the configuration file. Read again on every call, because people change it while an agent works. Never written. */
export function contextPort(flags: ContextFlags): ContextPort {
  const path = configPath({ flag: flags.config });
  return {
    async state(): Promise<ContextState> {
      const empty = { config_path: path, contexts: 0, has_token: false };
      try {
        const loaded = await loadConfig(path);
        const contexts = listContexts(loaded.config);
        const selected = resolveFrom(loaded, { flags });
        return {
          config_path: loaded.path,
          contexts: contexts.length,
          has_token: selected.hasToken,
          ...present({
            default_context: defaultContextName(loaded.config),
            selected_context: selected.name,
            ...address(selected),
            error: tokenProblem(selected),
          }),
        };
      } catch (error) {
        return { ...empty, error: toRstreamError(error).message };
      }
    },
    async list() {
      const loaded = await loadConfig(path);
      const contexts = listContexts(loaded.config).map(({ name }) =>
        summary(resolveFrom(loaded, { flags: { ...flags, context: name } }), name),
      );
      const selected = resolveFrom(loaded, { flags }).name;
      return { ...present({ default: defaultContextName(loaded.config), selected }), contexts };
    },
    async get(name) {
      const loaded = await loadConfig(path);
      const known = listContexts(loaded.config).some((context) => context.name === name);
      if (name !== undefined && !known) return undefined;
      const resolved = resolveFrom(loaded, { flags: { ...flags, ...(name === undefined ? {} : { context: name }) } });
      if (resolved.name === undefined && resolved.engine === undefined) return undefined;
      return summary(resolved, resolved.name ?? '(environment)');
    },
  };
}

function address({ engine, apiUrl, projectEndpoint }: ResolvedContext) {
  return present({ engine, api_url: apiUrl, project_endpoint: projectEndpoint });
}

function summary(resolved: ResolvedContext, name: string): ContextSummary {
  return { name, has_token: resolved.hasToken, ...address(resolved) };
}

/** Why a credential that is there cannot be used: expired, unsafe file, meant for another engine. */
function tokenProblem(resolved: ResolvedContext): string | undefined {
  if (resolved.hasToken || resolved.tokenSource === undefined) return undefined;
  try {
    return resolved.token === '' ? 'The token is empty.' : undefined;
  } catch (error) {
    return toRstreamError(error).message;
  }
}
