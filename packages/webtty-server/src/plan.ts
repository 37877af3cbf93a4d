import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { limits, RstreamError } from '@rstream/protocol';
import { OpenCapability, type Config, type MessageOf } from '@rstream/protocol/webtty';
import { cannotEnter, viewAs } from './account-view.ts';
import type { Account } from './account.ts';
import { approve, needsApproval } from './approval.ts';
import type { Caller } from './caller.ts';
import { assertEnvName } from './client-environment.ts';
import { commandEnvironment, loginEnvironment } from './environment.ts';
import { executableCandidates, findExecutable } from './executable.ts';
import { assertDirectory, decideArgv, denied, type CommandPolicy, type Decision } from './policy.ts';
import { chooseAccount, type Accounts, type RunAs } from './run-as.ts';
import { loginShell, planTerminal, terminalType, type TerminalPlan } from './terminal/terminal-plan.ts';

/** Everything decided about a command before it starts. */
export interface CommandPlan {
  readonly file: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Undefined: the command has pipes. */
  readonly terminal: TerminalPlan | undefined;
  /** False: the command reads an empty stdin. */
  readonly stdin: boolean;
  /** The client speaks our extension. */
  readonly contract: boolean;
  readonly heartbeat: boolean;
  /** What it runs as. */
  readonly account: RunAs;
  /** What decided that it may run. */
  readonly decision: Decision;
  /** Input is refused, whoever gives it; the owner may still signal and end the command. */
  readonly readOnly: boolean;
  /** Running time after which it is ended. */
  readonly deadlineMs: number | undefined;
  /** Time without input and output after which it is ended. */
  readonly idleMs: number | undefined;
  readonly killGraceMs: number;
  readonly maxOutputBytes: number;
}

/** What the device brings to every plan. */
export interface Device {
  readonly policy: CommandPolicy;
  readonly account: Account;
  readonly environment: Readonly<Record<string, string>>;
  /** Absent: commands run as this process. */
  readonly accounts?: Accounts | undefined;
}

/** Who asks, as far as a plan depends on it. */
export interface Asking {
  readonly caller?: Caller | undefined;
  /** Aborting it gives up waiting for an approval. */
  readonly signal?: AbortSignal | undefined;
}

const refuse = (code: 'ERR_RSTREAM_COMMAND_INVALID' | 'ERR_RSTREAM_COMMAND_UNSUPPORTED', message: string): RstreamError =>
  new RstreamError(code, message);

/** True when the client announced our extension. */
export function speaksContract(open: MessageOf<'open'>): boolean {
  return open.capabilities.includes(OpenCapability.EXEC_CONTRACT);
}

/** Checks an open message against the policy and the machine. Throws one of the `ERR_RSTREAM_COMMAND_…` codes. */
export async function planCommand(open: MessageOf<'open'>, device: Device, asking: Asking = {}): Promise<CommandPlan> {
  const { config } = open;
  const { policy } = device;
  if (config === undefined) throw refuse('ERR_RSTREAM_COMMAND_INVALID', 'The open message has no configuration.');
  assertSupported(open, config, policy);
  assertSane(config);
  const account = await chooseAccount(device, config.username ?? {});
  const terminal = planTerminal(config);
  const contract = speaksContract(open);
  const exec = contract ? config.exec : undefined;
  const env = await environmentOf(config, device, { account, exec, terminal: terminal !== undefined });
  const command = await decideCommand(config, device, { account, env });
  const plan: CommandPlan = {
    ...command,
    env,
    terminal,
    stdin: config.options?.interactive ?? false,
    contract,
    heartbeat: config.options?.sendHeartbeat ?? false,
    account,
    readOnly: terminal !== undefined && policy.readOnlyTerminal === true,
    deadlineMs: smallest(exec?.deadlineMs, policy.maxDurationMs),
    idleMs: policy.maxIdleMs,
    killGraceMs: Math.min(orElse(exec?.killGraceMs, limits.webtty.killGrace.default), limits.webtty.maxKillGrace.default),
    maxOutputBytes: smallest(exec?.maxOutputBytes, policy.maxOutputBytes) ?? Infinity,
  };
  return needsApproval(policy, 'command') ? await approvedPlan(plan, policy, asking) : plan;
}

async function approvedPlan(plan: CommandPlan, policy: CommandPolicy, { caller = {}, signal }: Asking): Promise<CommandPlan> {
  const { argv, cwd, account, terminal } = plan;
  const request = { what: 'command', argv, cwd, user: account.user, terminal: terminal !== undefined, caller } as const;
  const approval = await approve(policy, request, signal);
  if (!approval.approved) throw denied('approve', approval.message);
  return { ...plan, decision: 'approved' };
}

interface EnvironmentParts {
  readonly account: RunAs;
  readonly exec: Config['exec'] | undefined;
  readonly terminal: boolean;
}

async function environmentOf(
  config: Config,
  device: Device,
  { account, exec, terminal }: EnvironmentParts,
): Promise<Record<string, string>> {
  // The type of the terminal is part of asking for one.
  const typed = terminal ? [{ key: 'TERM', value: terminalType(config) }] : [];
  const scope = { login: account.login, entered: account.entry.length > 0 };
  for (const { key } of config.envVars) if (!terminal || key !== 'TERM') assertEnvName(device.policy, key, scope);
  const base = account.login ? await loginEnvironment(device.environment, account) : device.environment;
  const change = { set: [...config.envVars, ...typed], unset: exec?.unsetEnv ?? [], clean: exec?.cleanEnv ?? false };
  return commandEnvironment(base, account, change);
}

type DecidedCommand = Pick<CommandPlan, 'file' | 'argv' | 'cwd' | 'decision'>;

async function decideCommand(
  config: Config,
  device: Device,
  { account, env }: Pick<CommandPlan, 'account' | 'env'>,
): Promise<DecidedCommand> {
  const { policy, environment } = device;
  const shell = config.cmdArgs.length === 0 ? loginShell(account.shell) : undefined;
  const argv = shell?.argv ?? config.cmdArgs;
  const ownPath = environment['PATH'] ?? '';
  const searchPath = env['PATH'] ?? ownPath;
  const asked = config.workdir?.value ?? '';
  const wanted = { program: argv[0] ?? '', cwd: asked === '' ? account.home : resolve(account.home, asked), searchPath };
  const { file, cwd } = await locate(wanted, account, policy);
  const decision = await decideArgv(policy, { argv: shell?.listedAs ?? argv, file, byOwnPath: searchPath === ownPath });
  return { file, argv, cwd, decision };
}

interface Wanted {
  readonly program: string;
  readonly cwd: string;
  readonly searchPath: string;
}

/** The program and the directory, as the account of the command finds them. */
async function locate({ program, cwd, searchPath }: Wanted, account: RunAs, policy: CommandPolicy): Promise<{ file: string; cwd: string }> {
  if (account.entry.length > 0) {
    const { file, directory } = await viewAs(account.entry, { program, cwd, candidates: executableCandidates(program, cwd, searchPath) });
    await assertDirectory(policy, directory);
    return { file, cwd: directory };
  }
  await assertDirectory(policy, await enterable(cwd));
  return { file: await findExecutable(program, cwd, searchPath), cwd };
}

/** The real path of a directory that this process can enter. */
async function enterable(cwd: string): Promise<string> {
  try {
    if (!(await stat(cwd)).isDirectory()) throw cannotEnter(cwd);
    await access(cwd, constants.X_OK);
    return await realpath(cwd);
  } catch {
    throw cannotEnter(cwd);
  }
}

const orElse = (value: number | undefined, fallback: number): number => (value === undefined || value === 0 ? fallback : value);

/** The smaller of two bounds, of which 0 and absent mean none. */
function smallest(a: number | undefined, b: number | undefined): number | undefined {
  const least = Math.min(orElse(a, Infinity), orElse(b, Infinity));
  return least === Infinity ? undefined : least;
}

function assertSupported(open: MessageOf<'open'>, config: Config, policy: CommandPolicy): void {
  const unsupported = (message: string): RstreamError => refuse('ERR_RSTREAM_COMMAND_UNSUPPORTED', message);
  const terminal = config.options?.allocateTty === true;
  if (terminal && policy.terminal !== true) throw unsupported('This device runs commands without a terminal only.');
  if (!terminal && config.cmdArgs.length === 0) throw unsupported('This device needs a command: it opens no login shell.');
  if (open.sessionKeyGrant !== undefined || open.capabilities.includes(OpenCapability.SESSION_CRYPTO)) {
    throw unsupported('This device does not offer end-to-end encrypted sessions.');
  }
}

function assertSane({ cmdArgs, envVars, workdir, exec }: Config): void {
  const bounds = limits.webtty;
  const invalid = (message: string): RstreamError => refuse('ERR_RSTREAM_COMMAND_INVALID', message);
  if (cmdArgs[0] === '') throw invalid('The name of the program is empty.');
  if (cmdArgs.length > bounds.arguments.default) throw invalid(`A command takes at most ${bounds.arguments.default} arguments.`);
  if (envVars.length > bounds.environmentNames.default) throw invalid(`At most ${bounds.environmentNames.default} variables are taken.`);
  if (envVars.some(({ key }) => key === '' || key.includes('='))) throw invalid('A variable has no valid name.');
  const texts = [...cmdArgs, workdir?.value ?? '', ...envVars.flatMap(({ key, value }) => [key, value]), ...(exec?.unsetEnv ?? [])];
  if (texts.some((text) => text.includes('\0'))) throw invalid('Arguments, paths and variables cannot hold NUL characters.');
  if (texts.some((text) => Buffer.byteLength(text) > bounds.argumentBytes.default)) {
    throw invalid(`An argument or variable is longer than ${bounds.argumentBytes.default} bytes.`);
  }
}
