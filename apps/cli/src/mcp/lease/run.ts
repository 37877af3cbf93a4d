import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { RstreamError, toRstreamError } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';
import type { ListenerStatus } from '@rstream/tunnel-core';
import { atMost } from '../at-most.ts';
import { logPath, removeEntry, writeEntry } from './directory.ts';
import { LeaseOrder, type LeaseAnswer, type LeaseEntry } from './entry.ts';
import { firstOnline, holdTunnel, release, type HeldTunnel } from './hold.ts';
import { leaseLog, type LeaseLog } from './log.ts';
import { identify } from './process-identity.ts';

export interface LeaseStreams {
  /** The order as its first line; its end means that the parent is gone. */
  readonly stdin: Readable;
  /** One `LeaseAnswer`. */
  readonly stdout: Writable;
  readonly log: Writable;
}

/** How often the clock is looked at: a lease may sleep with its machine, so one long timer cannot be trusted. */
const CLOCK_MS = 15_000;

/** Holds one local tunnel until it expires, is told to stop, or loses its parent. Resolves to the exit code. */
export async function runLease({ stdin, stdout, log }: LeaseStreams): Promise<number> {
  // A parent that left must not end a kept lease by a broken pipe.
  for (const stream of [stdout, log]) stream.on('error', () => undefined);
  const ending = Promise.withResolvers<string>();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => ending.resolve(name));
  const order = await readOrder(stdin, () => ending.resolve('parent gone'));
  const clock = endAtExpiry(Date.parse(order.expires_at), () => ending.resolve('expired'));
  const write = leaseLog(log);
  let held: HeldTunnel | undefined;
  try {
    held = await holdTunnel(order, write);
    const online = firstOnline(held);
    const status = await Promise.race([online, ending.promise.then(endedEarly)]);
    tell(stdout, { status: 'online', entry: await record(order, status) });
    keepRecord(order, held, { log: write, end: ending.resolve });
    write('ended', { reason: await ending.promise });
    return 0;
  } catch (error) {
    const { code, message, next } = toRstreamError(error, 'ERR_RSTREAM_LEASE_FAILED');
    tell(stdout, { status: 'failed', code, message, next });
    return 1;
  } finally {
    clearInterval(clock);
    if (held !== undefined) await atMost(release(held), mcpLimits.leaseStop.default / 2);
    await removeEntry(order.directory, order.id);
    stdin.destroy();
    setTimeout(() => process.exit(), 100).unref();
  }
}

function endedEarly(reason: string): never {
  throw new RstreamError('ERR_RSTREAM_LEASE_FAILED', `The local tunnel ended before it was online: ${reason}.`);
}

function tell(stdout: Writable, answer: LeaseAnswer): void {
  stdout.write(`${JSON.stringify(answer)}\n`);
}

/** The order; `onGone` is called when the input ends, unless the order says to stay. */
async function readOrder(stdin: Readable, onGone: () => void): Promise<LeaseOrder> {
  const order = Promise.withResolvers<LeaseOrder>();
  const refuse = () => order.reject(new RstreamError('ERR_RSTREAM_LEASE_FAILED', 'There was no valid order on stdin.'));
  const lines = createInterface({ input: stdin });
  lines.once('line', (line) => {
    const parsed = LeaseOrder.safeParse(JSON.parse(line));
    if (!parsed.success) return refuse();
    if (!parsed.data.keep) lines.once('close', onGone);
    return order.resolve(parsed.data);
  });
  lines.once('close', refuse);
  return await order.promise;
}

function endAtExpiry(at: number, end: () => void): NodeJS.Timeout {
  const check = () => {
    if (Date.now() >= at) end();
  };
  setTimeout(check, Math.max(0, at - Date.now()) + 1).unref();
  return setInterval(check, CLOCK_MS);
}

interface Watch {
  readonly log: LeaseLog;
  readonly end: (reason: string) => void;
}

/** Follows the tunnel over reconnects, which may give it another id, and ends the lease when it cannot go on. */
function keepRecord(order: LeaseOrder, { listener }: HeldTunnel, { log, end }: Watch): void {
  listener.on('status', (status) => {
    if (status.state !== 'online') return;
    record(order, status).catch((error: unknown) => log('not recorded', { message: toRstreamError(error).message }));
  });
  void listener.closed.then((error) => end(error?.code ?? 'closed'));
}

async function record(order: LeaseOrder, status: ListenerStatus): Promise<LeaseEntry> {
  const entry = await entryOf(order, status);
  await writeEntry(order.directory, entry);
  return entry;
}

async function entryOf(order: LeaseOrder, { tunnel, forwarding = '' }: ListenerStatus): Promise<LeaseEntry> {
  if (tunnel === undefined) throw new RstreamError('INTERNAL', 'The relay opened a tunnel without naming it.');
  const { id, directory, host, port, keep, expires_at, owner, project } = order;
  return {
    version: 1,
    id,
    name: tunnel.name ?? id,
    tunnel_id: tunnel.id,
    url: forwarding,
    forwarded: `${host}:${port}`,
    host,
    port,
    publish: tunnel.publish,
    protocol: tunnel.protocol ?? tunnel.type,
    token_auth: tunnel.token_auth ?? false,
    project_id: tunnel.project_id,
    ...(project === undefined ? {} : { project }),
    keep,
    created_at: tunnel.creation_date,
    expires_at,
    log_path: logPath(directory, id),
    process: (await identify(process.pid)) ?? { pid: process.pid },
    owner,
  };
}
