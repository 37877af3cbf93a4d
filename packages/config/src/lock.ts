import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';

export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds to wait for another holder. */
  readonly timeoutMs?: number;
}

interface Holder {
  readonly pid: number;
  /** Start time of the process in clock ticks, where the system tells: a reused pid has another one. */
  readonly started?: string;
  readonly nonce: string;
}

/**
 * Runs `work` while no other process does for the same file. The lock is `<file>.lock` and names its holder, so that one left by a
 * killed process is recognised and removed.
 * @throws RstreamError `ERR_RSTREAM_CONFIG_LOCKED` when the holder does not finish in time
 */
export async function withFileLock<Result>(path: string, work: () => Promise<Result>, options: LockOptions = {}): Promise<Result> {
  const lock = `${path}.lock`;
  await mkdir(dirname(lock), { recursive: true, mode: 0o700 });
  await acquire(lock, options);
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function acquire(lock: string, { signal, timeoutMs = limits.config.lockTimeout.default }: LockOptions): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const started = await startTime(process.pid);
  const me: Holder = { pid: process.pid, nonce: randomBytes(8).toString('hex'), ...(started === undefined ? {} : { started }) };
  for (;;) {
    signal?.throwIfAborted();
    if (await claim(lock, me)) return;
    const holder = await readHolder(lock);
    if (holder !== undefined && !(await isAlive(holder)) && (await breakLock(lock, holder))) continue;
    if (performance.now() > deadline) {
      const who = holder === undefined ? '' : ` It is process ${holder.pid}.`;
      throw new RstreamError('ERR_RSTREAM_CONFIG_LOCKED', `Another process is changing ${lock.slice(0, -'.lock'.length)}.${who}`);
    }
    const poll = limits.config.lockPoll.default;
    await pause(poll + Math.random() * (poll / 2), undefined, signal === undefined ? {} : { signal });
  }
}

/** The lock appears with its content in one step: it is written under another name and linked. */
async function claim(lock: string, me: Holder): Promise<boolean> {
  // Named like a half-written configuration, so that the next writer clears away what a killed process left of it.
  const draft = join(dirname(lock), `.${basename(lock, '.lock')}.${me.nonce}.tmp`);
  await writeFile(draft, JSON.stringify(me), { mode: 0o600, flag: 'w' });
  try {
    await link(draft, lock);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // No hard links here: create in place. A crash before the content is written leaves an empty lock, which counts as stale.
    return await createInPlace(lock, me);
  } finally {
    await rm(draft, { force: true });
  }
}

async function createInPlace(lock: string, me: Holder): Promise<boolean> {
  try {
    const handle = await open(lock, 'wx', 0o600);
    await handle.writeFile(JSON.stringify(me));
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(lock: string): Promise<Holder | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(lock, 'utf8'));
    if (typeof value === 'object' && value !== null && 'pid' in value && 'nonce' in value) return value as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  }
  // Not ours, or cut short: stale once it is old enough that no writer can be in the middle of it.
  const age = await stat(lock).then(
    (found) => Date.now() - found.mtimeMs,
    () => 0,
  );
  return age > limits.config.lockBreakAge.default ? { pid: 0, nonce: '' } : undefined;
}

async function isAlive({ pid, started }: Holder): Promise<boolean> {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = await startTime(pid);
  return started === undefined || now === undefined || now === started;
}

/**
 * Removes the lock of a dead holder. Two processes may see the same dead holder; a marker file makes one of them look again and remove,
 * so that neither removes the lock that the other has just taken.
 */
async function breakLock(lock: string, dead: Holder): Promise<boolean> {
  const marker = `${lock}.break`;
  const age = await stat(marker).then(
    (found) => Date.now() - found.mtimeMs,
    () => 0,
  );
  if (age > limits.config.lockBreakAge.default) await rm(marker, { force: true });
  try {
    await (await open(marker, 'wx', 0o600)).close();
  } catch {
    return false;
  }
  try {
    const current = await readHolder(lock);
    if (current?.nonce !== dead.nonce) return false;
    await rm(lock, { force: true });
    return true;
  } finally {
    await rm(marker, { force: true });
  }
}

/** Linux: field 22 of `/proc/PID/stat`, after the command name, which may hold spaces and brackets. */
async function startTime(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
}
