import type { MessageOf } from '@rstream/protocol/webtty';
import { ownAccount } from '../src/account.ts';
import { baseEnvironment } from '../src/environment.ts';
import { planCommand, type Asking, type CommandPlan, type Device } from '../src/plan.ts';
import { startProcess } from '../src/process.ts';
import { openPty } from '../src/terminal/pty.ts';
import { launchOf } from '../src/launch.ts';

export interface Request {
  readonly argv: readonly string[];
  /** Default: the root, which every account can enter. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string | number;
  readonly terminal?: boolean;
}

/** A device with the environment of this process, and what a test changes about it. */
export function deviceWith(change: Partial<Device> = {}): Device {
  const account = change.account ?? ownAccount();
  return { policy: {}, account, environment: baseEnvironment(process.env, account), ...change };
}

/** The plan of a request, as a client of ours would send it. */
export function planOf(
  { argv, cwd = '/', env = {}, user, terminal = false }: Request,
  device: Partial<Device> = {},
  asking?: Asking,
): Promise<CommandPlan> {
  const open: MessageOf<'open'> = {
    kind: 'open',
    capabilities: [1000],
    config: {
      options: { interactive: false, allocateTty: terminal, sendHeartbeat: false },
      cmdArgs: argv,
      envVars: Object.entries(env).map(([key, value]) => ({ key, value })),
      workdir: { value: cwd },
      ...(user === undefined ? {} : { username: typeof user === 'number' ? { id: user } : { name: user } }),
    },
  };
  return planCommand(open, deviceWith(device), asking);
}

export interface Outcome {
  readonly output: string;
  readonly code: number | null;
}

/** Runs a plan on pipes. */
export async function runOnPipes(plan: CommandPlan): Promise<Outcome> {
  const running = await startProcess(plan);
  const chunks: Buffer[] = [];
  for (const stream of [running.stdout, running.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = Promise.all([running.stdout, running.stderr].map((stream) => new Promise((resolve) => stream.once('close', resolve))));
  const { code } = await running.exited;
  await closed;
  return { output: Buffer.concat(chunks).toString(), code };
}

/** Runs a plan on a terminal. */
export async function runOnTerminal(plan: CommandPlan): Promise<Outcome> {
  const { file, args, cwd, uid } = launchOf(plan);
  const pty = await openPty({ file, args, cwd, uid, env: plan.env, size: { row: 24, col: 200, xpixel: 0, ypixel: 0 } });
  const chunks: Buffer[] = [];
  const ended = new Promise<void>((resolve) => pty.listen({ onData: (chunk) => chunks.push(chunk), onEnd: resolve }));
  const { code } = await pty.exited;
  pty.finish();
  await ended;
  return { output: Buffer.concat(chunks).toString(), code };
}
