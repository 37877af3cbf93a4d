import { RstreamError } from '@rstream/protocol';
import { defaultContextName, findContext } from './contexts.ts';
import { normalizeEngine } from './engine-address.ts';
import { loadConfig, type LoadedConfig } from './load.ts';
import { configPath, nonEmpty, type Env } from './paths.ts';
import type { Context, Environment, Transport } from './schema.ts';
import { assertFresh, parseToken } from './token.ts';

/** What a command line says about the context. */
export interface ContextFlags {
  readonly config?: string;
  readonly context?: string;
  readonly apiUrl?: string;
  readonly engine?: string;
}

/** Where the token comes from. */
export type TokenSource = 'environment-variable' | 'context' | 'linked-environment';

/** Everything needed to reach an engine, with one answer per question. */
export interface ResolvedContext {
  readonly configPath: string;
  readonly configExists: boolean;
  /** Name of the selected context; undefined when flags and environment alone select the engine. */
  readonly name: string | undefined;
  /** HOST:PORT or URL. Undefined when only the control plane can tell (`apiUrl` and `projectEndpoint`), or nothing is selected. */
  readonly engine: string | undefined;
  readonly apiUrl: string | undefined;
  readonly projectEndpoint: string | undefined;
  /** Extra headers for the control plane only. */
  readonly headers: Readonly<Record<string, string>>;
  readonly transport: Transport;
  readonly tokenSource: TokenSource | undefined;
  /** True when `token` would not throw. */
  readonly hasToken: boolean;
  /**
   * The credential. Not enumerable: it does not appear in JSON, in a spread or in a log of this object.
   * @throws RstreamError when there is none, it expired, or it must not be sent to the selected engine
   */
  readonly token: string;
}

export interface ResolveOptions {
  readonly flags?: ContextFlags;
  /** Default `process.env`. */
  readonly env?: Env;
}

/**
 * Decides context, engine, control plane and credential: flag, then environment variable, then context, then the environment that the
 * context is linked to. Reads the configuration file and never writes it.
 * @throws RstreamError `ERR_RSTREAM_CONTEXT_NOT_FOUND`, `ERR_RSTREAM_CONTEXT_AMBIGUOUS`, `ERR_RSTREAM_CONFIG_INVALID`
 */
export async function resolveContext({ flags = {}, env = process.env }: ResolveOptions = {}): Promise<ResolvedContext> {
  const loaded = await loadConfig(configPath({ flag: flags.config, env }));
  return resolveFrom(loaded, { flags, env });
}

/** The pure part of `resolveContext`. */
export function resolveFrom(loaded: LoadedConfig, { flags = {}, env = process.env }: ResolveOptions): ResolvedContext {
  const { config } = loaded;
  const apiOverride = flags.apiUrl ?? nonEmpty(env['RSTREAM_API_URL']);
  const name = flags.context ?? nonEmpty(env['RSTREAM_CONTEXT']) ?? defaultContextName(config);
  const context = name === undefined ? undefined : findContext(config, { name, apiUrl: apiOverride });
  const engineOverride = flags.engine ?? nonEmpty(env['RSTREAM_ENGINE']);
  const apiUrl = apiOverride ?? context?.apiUrl;
  const linked = apiUrl === undefined ? undefined : config.environments?.find((environment) => sameUrl(environment.apiUrl, apiUrl));
  const credential = credentialOf({ loaded, context, linked, env });
  const transport = mergeTransport(linked?.transport, context?.transport);
  const refusal = overrideRefusal({ credential, context, apiOverride, engineOverride });
  const token = (): string => {
    if (refusal !== undefined) throw refusal;
    return credential.read();
  };
  const resolved = {
    configPath: loaded.path,
    configExists: loaded.exists,
    name: context?.name,
    engine: engineOverride ?? context?.engine,
    apiUrl,
    projectEndpoint: context?.projectEndpoint,
    headers: controlHeaders(linked, apiUrl, env),
    transport,
    tokenSource: credential.source,
    hasToken: succeeds(token),
  };
  return Object.defineProperty(resolved, 'token', { get: token, enumerable: false }) as typeof resolved & { readonly token: string };
}

interface Credential {
  readonly source: TokenSource | undefined;
  read(): string;
}

interface CredentialInputs {
  readonly loaded: LoadedConfig;
  readonly context: Context | undefined;
  readonly linked: Environment | undefined;
  readonly env: Env;
}

function credentialOf({ loaded, context, linked, env }: CredentialInputs): Credential {
  const variable = nonEmpty(env['RSTREAM_AUTHENTICATION_TOKEN']);
  if (variable !== undefined) {
    const source = 'RSTREAM_AUTHENTICATION_TOKEN';
    return { source: 'environment-variable', read: () => checked(parseToken(variable, source), `The token in ${source}`) };
  }
  const own = context?.auth;
  if (own?.token?.storage !== undefined) {
    return { source: 'context', read: () => stored(loaded, own, `The token of context "${context?.name ?? ''}"`) };
  }
  // An unlinked context has no `apiUrl` of its own; one given by flag or variable must not lend it an environment's token.
  const shared = context === undefined || context.apiUrl !== undefined ? linked?.auth : undefined;
  if (shared?.token?.storage !== undefined) {
    return { source: 'linked-environment', read: () => stored(loaded, shared, `The login token of ${linked?.apiUrl ?? ''}`) };
  }
  return {
    source: undefined,
    read() {
      if (context === undefined) throw new RstreamError('ERR_RSTREAM_CONTEXT_REQUIRED');
      throw new RstreamError('ERR_RSTREAM_AUTH_REQUIRED', `Context "${context.name}" has no token.`);
    },
  };
}

function stored(loaded: LoadedConfig, auth: NonNullable<Context['auth']>, what: string): string {
  const storage = auth.token?.storage;
  if (auth.mtls !== undefined) throw new RstreamError('ERR_RSTREAM_AUTH_CONFLICT');
  if (storage?.kind !== 'inline') throw new RstreamError('ERR_RSTREAM_TOKEN_STORAGE_UNSUPPORTED');
  if (loaded.readableByOthers) {
    throw new RstreamError('ERR_RSTREAM_CONFIG_UNSAFE', `Other users can read ${loaded.path}, and it holds a token.`, {
      next: `Run: chmod 600 ${loaded.path}`,
    });
  }
  return checked(parseToken(storage.value ?? '', what), what);
}

function checked(token: string, source: string): string {
  assertFresh(token, { source });
  return token;
}

interface Overrides {
  readonly credential: Credential;
  readonly context: Context | undefined;
  readonly apiOverride: string | undefined;
  readonly engineOverride: string | undefined;
}

/** A stored credential goes only where it was stored for. A credential from the environment variable was given for this very call. */
function overrideRefusal({ credential, context, apiOverride, engineOverride }: Overrides): RstreamError | undefined {
  if (credential.source === undefined || credential.source === 'environment-variable') return undefined;
  if (
    engineOverride !== undefined &&
    (context?.engine === undefined || normalizeEngine(engineOverride) !== normalizeEngine(context.engine))
  ) {
    return new RstreamError('ERR_RSTREAM_STORED_TOKEN_ENGINE_OVERRIDE');
  }
  const foreignApi = apiOverride !== undefined && context !== undefined && !sameUrl(apiOverride, context.apiUrl);
  return foreignApi ? new RstreamError('ERR_RSTREAM_STORED_TOKEN_API_OVERRIDE') : undefined;
}

/** Headers go only to a control plane, and only to the one they are for. */
function controlHeaders(linked: Environment | undefined, apiUrl: string | undefined, env: Env): Record<string, string> {
  if (apiUrl === undefined) return {};
  const raw = nonEmpty(env['RSTREAM_CONTROL_PLANE_HEADERS']);
  if (raw === undefined) return { ...linked?.headers };
  try {
    const value: unknown = JSON.parse(raw);
    const pairs = Object.entries(value as object);
    if (pairs.every(([, header]) => typeof header === 'string')) return { ...linked?.headers, ...Object.fromEntries(pairs) };
  } catch {
    // Reported below, without the value: it may hold a secret.
  }
  throw new RstreamError('ERR_RSTREAM_CONFIG_INVALID', 'RSTREAM_CONTROL_PLANE_HEADERS is not a JSON object of strings.', {
    next: 'Set it to something like {"x-name":"value"}.',
  });
}

function mergeTransport(environment: Transport | undefined, context: Transport | undefined): Transport {
  const tls = { ...environment?.tls, ...context?.tls };
  return { ...environment, ...context, ...(Object.keys(tls).length === 0 ? {} : { tls }) };
}

function sameUrl(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a.replace(/\/+$/, '').toLowerCase() === b.replace(/\/+$/, '').toLowerCase();
}

function succeeds(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
