import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import { limits, RstreamError } from '@rstream/protocol';
import { Labels, TunnelName } from '@rstream/protocol/tunnel';
import { FileSettings, withFileFlags, type FileFlags } from './files/settings.ts';
import { RecordingSettings } from './recordings/settings.ts';

/** `git status **` or `["git", "status", "**"]`: one glob per argument. Text with spaces in it, as a shell takes, is an item of a list. */
const ArgvPattern = z
  .union([z.string(), z.array(z.string())])
  .refine((pattern) => typeof pattern !== 'string' || !/['"]/.test(pattern), 'has quotes: write it as a list, one item per argument')
  .transform((pattern) => (typeof pattern === 'string' ? pattern.trim().split(/\s+/) : pattern))
  .refine((pattern) => pattern.length > 0 && pattern[0] !== '', 'a pattern needs at least one word');

const Approve = z.strictObject({
  command: z.array(z.string()).refine(([program = '']) => program.startsWith('/'), 'must start with the absolute path of a program'),
  when: z.enum(['command', 'write', 'both']).default('command'),
  timeoutMs: z.int().min(1).max(limits.webtty.maxApprovalTimeout.default).optional(),
});

const Policy = z.strictObject({
  allow: z.array(ArgvPattern).optional(),
  deny: z.array(ArgvPattern).optional(),
  cwdRoots: z.array(z.string().startsWith('/', 'must be an absolute path')).optional(),
  env: z.array(z.string().min(1)).optional(),
  users: z.array(z.string().min(1)).optional(),
  maxDurationMs: z.int().min(1).optional(),
  maxIdleMs: z.int().min(1).optional(),
  maxOutputBytes: z.int().min(1).optional(),
  terminal: z.boolean().optional(),
  readOnlyTerminal: z.boolean().optional(),
  approve: Approve.optional(),
});

const carriers = ['auto', 'upgrade', 'websocket'] as const;
const executionModes = ['spawn', 'login'] as const;
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Each is named by itself: with "any" every page of the web could open terminals in the browser of an operator. */
const ORIGIN = /^(?:https?:\/\/)?[a-z0-9.-]+(?::\d{1,5})?$/i;

/** Keys of the configuration file; the flags of `rstream-agent run` have the same meaning and win over it. */
const Settings = z.strictObject({
  version: z.literal(1).optional(),
  engine: z.string().min(1),
  tokenFile: z.string().min(1),
  name: TunnelName,
  labels: Labels.default({}),
  carrier: z.enum(carriers).default('auto'),
  caFile: z.string().min(1).optional(),
  logLevel: z.enum(logLevels).default('info'),
  readyFile: z.string().min(1).optional(),
  maxSessions: z.int().min(1).max(10_000).default(limits.webtty.maxSessions.default),
  shutdownTimeoutMs: z.int().min(0).max(600_000).default(limits.webtty.shutdownTimeout.default),
  executionMode: z.enum(executionModes).default('spawn'),
  loginUser: z.string().min(1).optional(),
  allowClientUser: z.boolean().default(false),
  /** Publish the device's tunnel, for browsers: behind a token, always. */
  publish: z.boolean().default(false),
  /** Label of the published host name. */
  hostname: z.string().min(1).optional(),
  allowedOrigins: z.array(z.string().regex(ORIGIN, 'must be an origin such as https://example.com, or a host')).default([]),
  /** Folder that keeps jobs; one for each agent. */
  stateDirectory: z.string().min(1).optional(),
  policy: Policy.optional(),
  recording: RecordingSettings.optional(),
  files: FileSettings.optional(),
});
type Settings = z.infer<typeof Settings>;

/** What an agent needs to run. */
export interface AgentSettings extends Pick<Settings, 'engine' | 'tokenFile' | 'name' | 'labels' | 'policy'> {
  readonly carrier?: Settings['carrier'] | undefined;
  /** Whom commands run as; default: the agent itself. */
  readonly executionMode?: Settings['executionMode'] | undefined;
  readonly loginUser?: string | undefined;
  readonly allowClientUser?: boolean | undefined;
  /** Publish the tunnel, for browsers; whoever asks needs a token. */
  readonly publish?: boolean | undefined;
  /** Label of the published host name; default: one that the relay chooses. */
  readonly hostname?: string | undefined;
  /** Origins (`https://host`) or hosts whose pages may open terminals, beside the device's own. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Folder that keeps the jobs of this agent, for itself alone; default: one of its name in the account's state folder. */
  readonly stateDirectory?: string | undefined;
  /** Which sessions are recorded, and where; default: none. */
  readonly recording?: RecordingSettings | undefined;
  /** Folders that are served over WebDAV, at `/fs`; default: none. */
  readonly files?: FileSettings | undefined;
  readonly maxSessions?: number | undefined;
  readonly shutdownTimeoutMs?: number | undefined;
  /** PEM of the authority that signed the engine's certificate, instead of the system's list. */
  readonly tlsCa?: string | undefined;
}

/** {@link AgentSettings} and what only the command line uses. */
export interface RunSettings extends AgentSettings {
  readonly logLevel: Settings['logLevel'];
  readonly readyFile?: string | undefined;
}

/** Flags as the command line gives them: numbers are still text. */
export type Flags = Readonly<Partial<Record<keyof Settings, unknown>>> &
  FileFlags & {
    readonly config?: string | undefined;
    /** Sets `policy.terminal`, whatever the file says. */
    readonly allowTerminal?: unknown;
    /** Set `recording.mode` and `recording.directory`. */
    readonly record?: unknown;
    readonly recordDir?: unknown;
  };

const invalid = (message: string, cause?: unknown): RstreamError => new RstreamError('ERR_RSTREAM_AGENT_CONFIG', message, { cause });

/** Joins the configuration file (if any) and the flags, and checks them. Throws `ERR_RSTREAM_AGENT_CONFIG` with every wrong field. */
export async function loadSettings({ config, allowTerminal, record, recordDir, ...rest }: Flags): Promise<RunSettings> {
  const { fsRoot, fsReadOnly, fsMaxUploadSize, fsDurability, fsStrict, ...flags } = rest;
  const file = config === undefined ? {} : await readConfigFile(config);
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const labels = { ...asRecord(file['labels']), ...asRecord(given['labels']) };
  const policy = allowTerminal === true ? { policy: { ...asRecord(file['policy']), terminal: true } } : {};
  const recording = record === undefined && recordDir === undefined ? {} : { recording: recordingOf(file, { record, recordDir }) };
  const section = file['files'] === undefined ? undefined : asRecord(file['files']);
  const files = withFileFlags(section, { fsRoot, fsReadOnly, fsMaxUploadSize, fsDurability, fsStrict });
  const parsed = Settings.safeParse({ ...file, ...given, ...policy, ...recording, ...(files === undefined ? {} : { files }), labels });
  if (!parsed.success) throw invalid(describe(parsed.error));
  const { caFile, version: _version, ...settings } = parsed.data;
  if (settings.allowClientUser && settings.policy?.users === undefined) {
    throw invalid('policy.users: is required with allowClientUser; it lists the accounts that clients may name ("*": all but root).');
  }
  if (!settings.publish && (settings.hostname !== undefined || settings.allowedOrigins.length > 0)) {
    throw invalid('hostname and allowedOrigins are for a published device: add publish (--publish).');
  }
  return { ...settings, ...(caFile === undefined ? {} : { tlsCa: await readText(caFile) }) };
}

function recordingOf(
  file: Readonly<Record<string, unknown>>,
  { record, recordDir }: Pick<Flags, 'record' | 'recordDir'>,
): Record<string, unknown> {
  const given = { mode: record, directory: recordDir };
  return { ...asRecord(file['recording']), ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

/** Paths in the file are relative to the file. */
async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const document = parseDocument(await readText(path));
  const [error] = document.errors;
  if (error !== undefined) throw invalid(`${path}: ${error.message}`);
  const content: unknown = document.toJS();
  if (typeof content !== 'object' || content === null || Array.isArray(content)) throw invalid(`${path}: must be a mapping.`);
  const settings: Record<string, unknown> = { ...content };
  for (const key of ['tokenFile', 'caFile', 'readyFile', 'stateDirectory']) {
    const value = settings[key];
    if (typeof value === 'string') settings[key] = resolve(dirname(path), value);
  }
  const files = asRecord(settings['files']);
  if (Array.isArray(files['roots'])) settings['files'] = { ...files, roots: files['roots'].map((root) => absoluteRoot(root, path)) };
  const recording = asRecord(settings['recording']);
  if (typeof recording['directory'] === 'string') {
    settings['recording'] = { ...recording, directory: resolve(dirname(path), recording['directory']) };
  }
  return settings;
}

function absoluteRoot(root: unknown, configFile: string): unknown {
  const given = asRecord(root);
  return typeof given['path'] === 'string' ? { ...given, path: resolve(dirname(configFile), given['path']) } : root;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw invalid(`${path} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'}).`, cause);
  }
}

const asRecord = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null ? { ...value } : {});

function describe(error: z.ZodError): string {
  const issues = error.issues.map(({ path, message }) => {
    const said = message.endsWith('received undefined') ? 'is required' : message;
    return `${path.length === 0 ? 'configuration' : path.join('.')}: ${said}`;
  });
  return `${issues.join('; ')}.`;
}
