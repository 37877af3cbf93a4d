import { RstreamError } from '@rstream/protocol';
import type { LaunchCommand } from './executable.ts';
import { isExecutable } from './executable.ts';
import { isReadableFile, overrideNames, type Overrides } from './environment.ts';
import { hasOwnHeader, isTable, parseToml, replaceSubtree, setKeys, tableAt, tableBlock, type TomlTable } from './toml-edit.ts';
import type { Diagnostic, SetupStatus } from './result.ts';

export const codexPath = ['mcp_servers', 'rstream'] as const;

/** Seconds. Tool calls may run commands and move files. */
const timeouts = { startup_timeout_sec: 30, tool_timeout_sec: 300 };

/** What the entry should be. */
export interface WantedEntry {
  readonly launch: LaunchCommand;
  readonly overrides: Overrides;
}

/** The file after the change, which may be the same. */
export interface EntryPlan {
  readonly status: SetupStatus;
  readonly source: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** The whole entry, as it is written into a file that has none. */
export function codexBlock({ launch, overrides }: WantedEntry): string {
  return tableBlock(codexPath, {
    command: launch.command,
    args: launch.args,
    ...timeouts,
    // Codex asks before a tool that changes something; reading needs no question.
    default_tools_approval_mode: 'writes',
    ...(Object.keys(overrides).length === 0 ? {} : { env: overrides }),
  });
}

/**
 * Decides what has to change in Codex's file. What works is left alone, what is broken is mended in place, what somebody chose
 * differently is a conflict; keys that we do not know are theirs and stay.
 */
export function planCodexEntry(source: string, wanted: WantedEntry, { file, force }: { file: string; force: boolean }): EntryPlan {
  const entry = tableAt(parseToml(source, file), codexPath);
  if (entry === undefined || force) {
    const next = checked(source, replaceSubtree(source, codexPath, codexBlock(wanted)), file);
    const status = entry === undefined ? 'installed' : next === source ? 'already_configured' : 'repaired';
    return { status, source: next, diagnostics: [info(`configuration_${status === 'installed' ? 'installed' : 'repaired'}`)] };
  }
  const broken = findBroken(entry, wanted);
  const conflicts = findConflicts(entry, wanted, broken);
  if (conflicts.length > 0) {
    const custom = conflicts.map((key): Diagnostic => ({
      code: 'custom_configuration',
      level: 'error',
      message: `${key} is not what setup writes.`,
    }));
    const force: Diagnostic = { code: 'force_required', level: 'error', message: 'Use --force to replace the whole entry.' };
    return { status: 'conflict', source, diagnostics: [...custom, force] };
  }
  if (Object.keys(broken.values).length === 0) return { status: 'already_configured', source, diagnostics: [info('configuration_valid')] };
  return {
    status: 'repaired',
    source: checked(source, mend(source, entry, broken.values), file),
    diagnostics: [...broken.diagnostics, info('configuration_repaired')],
  };
}

/** The file without the entry. */
export function removeCodexEntry(source: string, file: string): EntryPlan {
  if (tableAt(parseToml(source, file), codexPath) === undefined) return { status: 'not_installed', source, diagnostics: [] };
  return { status: 'removed', source: checked(source, replaceSubtree(source, codexPath, ''), file), diagnostics: [] };
}

interface Broken {
  readonly values: TomlTable;
  readonly diagnostics: readonly Diagnostic[];
}

function findBroken(entry: TomlTable, { launch, overrides }: WantedEntry): Broken {
  const values: TomlTable = {};
  const diagnostics: Diagnostic[] = [];
  const { command, args, env } = entry;
  if (typeof command !== 'string' || !isExecutable(command)) {
    // The arguments belong to the command: `node script` and a launcher take different ones.
    Object.assign(values, { command: launch.command, args: launch.args });
    const code = typeof command === 'string' ? 'command_not_executable' : 'command_invalid';
    diagnostics.push({ code, level: 'warning', message: 'The command of the entry could not be run and was replaced.' });
  } else if (!isTextList(args)) values['args'] = launch.args;
  for (const [key, seconds] of Object.entries(timeouts)) if (typeof entry[key] !== 'number') values[key] = seconds;
  const environment = isTable(env) ? env : {};
  const mended = mendEnvironment(environment, overrides);
  if (mended.stale) {
    const message = 'RSTREAM_CONFIG of the entry named a file that cannot be read.';
    diagnostics.push({ code: 'rstream_config_unreadable', level: 'warning', message });
  }
  if ((env !== undefined && !isTable(env)) || !sameTable(mended.env, environment)) {
    values['env'] = Object.keys(mended.env).length === 0 ? undefined : mended.env;
  }
  return { values, diagnostics };
}

/** Adds selections that are new and drops a configuration file that is gone. */
function mendEnvironment(environment: TomlTable, overrides: Overrides): { env: TomlTable; stale: boolean } {
  const config = environment['RSTREAM_CONFIG'];
  const stale = config !== undefined && config !== overrides.RSTREAM_CONFIG && !(typeof config === 'string' && isReadableFile(config));
  const kept = Object.fromEntries(Object.entries(environment).filter(([name]) => !(stale && name === 'RSTREAM_CONFIG')));
  return { env: { ...overrides, ...kept }, stale };
}

function findConflicts(entry: TomlTable, { launch, overrides }: WantedEntry, { values }: Broken): string[] {
  const conflicts: string[] = [];
  if (!('command' in values) && entry['command'] !== launch.command) conflicts.push('command');
  if (!('args' in values) && !sameList(entry['args'], launch.args)) conflicts.push('args');
  for (const [key, seconds] of Object.entries(timeouts)) if (!(key in values) && entry[key] !== seconds) conflicts.push(key);
  const environment = isTable(values['env']) ? values['env'] : isTable(entry['env']) ? entry['env'] : {};
  for (const name of overrideNames) {
    const now = overrides[name];
    if (now !== undefined && environment[name] !== now) conflicts.push(`env.${name}`);
  }
  return conflicts;
}

/** Changes single keys where the entry is a table of its own, else writes it anew as one, with all that it held. */
function mend(source: string, entry: TomlTable, values: TomlTable): string {
  if (hasOwnHeader(source, codexPath)) return setKeys(source, codexPath, values);
  return replaceSubtree(source, codexPath, tableBlock(codexPath, { ...entry, ...values }));
}

/** The result must be valid and everything outside the entry unchanged; an editor that got it wrong must not reach the disk. */
function checked(before: string, after: string, file: string): string {
  const others = (source: string): string => {
    const root = parseToml(source, file);
    const servers = isTable(root['mcp_servers']) ? root['mcp_servers'] : {};
    return JSON.stringify({ ...root, mcp_servers: Object.entries(servers).filter(([name]) => name !== 'rstream') });
  };
  const unchanged = others(before);
  try {
    if (others(after) === unchanged) return after;
  } catch {
    // Not valid any more: the same answer.
  }
  throw new RstreamError('ERR_RSTREAM_SETUP_FAILED', `The servers in ${file} are written in a form that cannot be edited safely.`, {
    next: 'Add the entry by hand; --print shows it. Nothing was changed.',
  });
}

const info = (code: string): Diagnostic => ({ code, level: 'info', message: code.replaceAll('_', ' ') });

const isTextList = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');

const sameList = (a: unknown, b: readonly string[]): boolean =>
  isTextList(a) && a.length === b.length && a.every((item, at) => item === b[at]);

const sameTable = (a: TomlTable, b: TomlTable): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value);
