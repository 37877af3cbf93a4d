import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { RstreamError, errorFromReport } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';
import { atMost } from '../at-most.ts';
import { logPath, makeDirectory, removeEntry } from './directory.ts';
import { LeaseAnswer, type LeaseEntry, type LeaseOrder } from './entry.ts';

/** A lease process that this process started. */
export interface StartedLease {
  readonly entry: LeaseEntry;
  readonly child: ChildProcess;
}

/**
 * Starts a lease as a process of its own session and waits until its tunnel is online. Its stdin stays open for as long as this
 * process lives: the end of it is how the lease learns that its owner is gone, however it went.
 *
 * @throws RstreamError the reason why the tunnel did not come up; nothing is left behind then
 */
export async function startLease(order: LeaseOrder, signal: AbortSignal): Promise<StartedLease> {
  await makeDirectory(order.directory);
  const log = await open(logPath(order.directory, order.id), 'a', 0o600);
  const script = process.argv[1] ?? '';
  const child = spawn(process.execPath, [...process.execArgv, script, 'mcp', 'lease-run', order.id], {
    detached: true,
    windowsHide: true,
    stdio: ['pipe', 'pipe', log.fd],
  });
  const { stdin, stdout } = child as unknown as { readonly stdin: Writable; readonly stdout: Readable };
  // A lease that ended is told by its exit; the broken pipe would only repeat it.
  stdin.on('error', () => undefined);
  try {
    await once(child, 'spawn');
    stdin.write(`${JSON.stringify(order)}\n`);
    const entry = await answerOf(child, stdout, signal);
    release(child, { stdin, stdout, keep: order.keep });
    return { entry, child };
  } catch (error) {
    await endProcess(child);
    await removeEntry(order.directory, order.id);
    throw error;
  } finally {
    await log.close();
  }
}

async function answerOf(child: ChildProcess, stdout: Readable, signal: AbortSignal): Promise<LeaseEntry> {
  const line = new Promise<string>((resolve, reject) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(mcpLimits.leaseStart.default)]);
    const late = () =>
      reject(
        signal.aborted ? (signal.reason as Error) : new RstreamError('ERR_RSTREAM_TIMEOUT', 'The tunnel did not come online in time.'),
      );
    limit.addEventListener('abort', late, { once: true });
    if (limit.aborted) late();
    const lines = createInterface({ input: stdout });
    lines.once('line', resolve);
    lines.once('close', () =>
      reject(new RstreamError('ERR_RSTREAM_LEASE_FAILED', 'The process of the tunnel ended before it was online.')),
    );
    child.once('error', reject);
  });
  const answer = LeaseAnswer.parse(JSON.parse(await line));
  if (answer.status === 'failed') throw errorFromReport(answer);
  return answer.entry;
}

/** Lets this process end although the lease runs. */
function release(child: ChildProcess, io: { readonly stdin: Writable; readonly stdout: Readable; readonly keep: boolean }): void {
  io.stdout.destroy();
  child.unref();
  if (io.keep) io.stdin.end();
  else (io.stdin as Writable & { unref?: () => void }).unref?.();
}

/** Asks a child to end, and makes it end after `mcpLimits.leaseStop`. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  if ((await atMost(exit, mcpLimits.leaseStop.default)) !== undefined) return;
  child.kill('SIGKILL');
  await exit;
}
