import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as the system tells it; absent where the system does not. */
  readonly started?: string | undefined;
}

/** The identity of a living process, `undefined` when there is none with this number. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  if (!exists(pid)) return undefined;
  const started = await startTime(pid);
  return { pid, ...(started === undefined ? {} : { started }) };
}

/** True while exactly that process lives: a reused number has another start time. */
export async function isAlive({ pid, started }: ProcessIdentity): Promise<boolean> {
  const now = await identify(pid);
  return now !== undefined && (started === undefined || now.started === undefined || now.started === started);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process exists, it only takes no signal from us.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function startTime(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') return await linuxStartTime(pid);
  if (process.platform === 'win32') return undefined;
  const asked = promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)], { timeout: 2_000 });
  return await asked.then(
    ({ stdout }) => stdout.trim() || undefined,
    () => undefined,
  );
}

/** Boot and field 22 of `/proc/PID/stat`; the name before it may hold spaces and brackets. A zombie counts as gone. */
async function linuxStartTime(pid: number): Promise<string | undefined> {
  const [boot, line] = await Promise.all(
    ['/proc/sys/kernel/random/boot_id', `/proc/${pid}/stat`].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  const [state, ...fields] = (line ?? '').slice((line ?? '').lastIndexOf(')') + 2).split(' ');
  const ticks = fields[18];
  return ticks === undefined || state === 'Z' ? 'gone' : `${boot?.trim() ?? ''}/${ticks}`;
}
