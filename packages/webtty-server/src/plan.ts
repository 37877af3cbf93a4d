import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { limits, RstreamError } from '@rstream/protocol';
import { OpenCapability, type Config, type MessageOf } from '@rstream/protocol/webtty';
import { commandEnvironment, type Account } from './environment.ts';
import { findExecutable } from './executable.ts';
import { assertArgv, assertDirectory, assertEnvName, type CommandPolicy } from './policy.ts';
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
  readonly deadlineMs: number | undefined;
  readonly killGraceMs: number;
  readonly maxOutputBytes: number;
}

/** What the device brings to every plan. */
export interface Device {
  readonly policy: CommandPolicy;
  readonly account: Account;
  readonly environment: Readonly<Record<string, string>>;
}

const refuse = (code: 'ERR_RSTREAM_COMMAND_INVALID' | 'ERR_RSTREAM_COMMAND_UNSUPPORTED', message: string): RstreamError =>
  new RstreamError(code, message);

/** True when the client announced our extension. */
export function speaksContract(open: MessageOf<'open'>): boolean {
  return open.capabilities.includes(OpenCapability.EXEC_CONTRACT);
}

/** Checks an open message against the policy and the machine. Throws one of the `ERR_RSTREAM_COMMAND_…` codes. */
export async function planCommand(open: MessageOf<'open'>, device: Device): Promise<CommandPlan> {
  const { config } = open;
  if (config === undefined) throw refuse('ERR_RSTREAM_COMMAND_INVALID', 'The open message has no configuration.');
  assertSupported(open, config, device);
  assertSane(config);
  const terminal = planTerminal(open, config);
  const shell = config.cmdArgs.length === 0 ? loginShell(device.account.shell) : undefined;
  const argv = shell?.argv ?? config.cmdArgs;
  const contract = speaksContract(open);
  const exec = contract ? config.exec : undefined;
  // The type of the terminal is part of asking for one.
  const typed = terminal === undefined ? [] : [{ key: 'TERM', value: terminalType(config) }];
  for (const { key } of config.envVars) if (typed.length === 0 || key !== 'TERM') assertEnvName(device.policy, key);
  const env = commandEnvironment(device.environment, device.account, {
    set: [...config.envVars, ...typed],
    unset: exec?.unsetEnv ?? [],
    clean: exec?.cleanEnv ?? false,
  });
  const cwd = await workingDirectory(config.workdir?.value ?? '', device);
  const file = await findExecutable(argv[0] ?? '', cwd, env['PATH'] ?? device.environment['PATH'] ?? '');
  assertArgv(device.policy, shell?.listedAs ?? argv, file);
  return {
    file,
    argv,
    cwd,
    env,
    terminal,
    stdin: config.options?.interactive ?? false,
    contract,
    heartbeat: config.options?.sendHeartbeat ?? false,
    deadlineMs: smallest(exec?.deadlineMs, device.policy.maxDurationMs),
    killGraceMs: Math.min(orElse(exec?.killGraceMs, limits.webtty.killGrace.default), limits.webtty.maxKillGrace.default),
    maxOutputBytes: smallest(exec?.maxOutputBytes, device.policy.maxOutputBytes) ?? Infinity,
  };
}

const orElse = (value: number | undefined, fallback: number): number => (value === undefined || value === 0 ? fallback : value);

/** The smaller of two bounds, of which 0 and absent mean none. */
function smallest(a: number | undefined, b: number | undefined): number | undefined {
  const least = Math.min(orElse(a, Infinity), orElse(b, Infinity));
  return least === Infinity ? undefined : least;
}

function assertSupported(open: MessageOf<'open'>, config: Config, { account, policy }: Device): void {
  const unsupported = (message: string): RstreamError => refuse('ERR_RSTREAM_COMMAND_UNSUPPORTED', message);
  const terminal = config.options?.allocateTty === true;
  if (terminal && policy.terminal !== true) throw unsupported('This device runs commands without a terminal only.');
  if (!terminal && config.cmdArgs.length === 0) throw unsupported('This device needs a command: it opens no login shell.');
  if (open.sessionKeyGrant !== undefined || open.capabilities.includes(OpenCapability.SESSION_CRYPTO)) {
    throw unsupported('This device does not offer end-to-end encrypted sessions.');
  }
  const { name, id } = config.username ?? {};
  if ((name !== undefined && name !== '' && name !== account.user) || (id !== undefined && id !== account.uid)) {
    throw unsupported("This device runs commands as the agent's own user only.");
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

async function workingDirectory(asked: string, { account, policy }: Device): Promise<string> {
  const cwd = asked === '' ? account.home : resolve(account.home, asked);
  const found = await stat(cwd).catch(() => undefined);
  if (found === undefined || !found.isDirectory()) {
    throw new RstreamError('ERR_RSTREAM_COMMAND_WORKDIR', `${cwd.slice(0, 200)}: no such directory on the device.`);
  }
  await assertDirectory(policy, cwd);
  return cwd;
}
