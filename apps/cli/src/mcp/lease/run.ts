import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { resolveContext, type ContextFlags } from '@rstream/config';
import { RstreamError, productVersion, protocolVersion, toRstreamError } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';
import { forwardTo, keepConnected, type Connection, type ListenerStatus } from '@rstream/tunnel-core';
import { inProject } from '../ports/project.ts';
import { logPath, removeEntry, writeEntry } from './directory.ts';
import { LeaseOrder, type LeaseAnswer, type LeaseEntry } from './entry.ts';
import { identify } from './process-identity.ts';

export interface LeaseStreams {
  /** The order as its first line; its end means that the parent is gone. */
  readonly stdin: Readable;
  /** One `LeaseAnswer`. */
  readonly stdout: Writable;
  readonly log: Writable;
}

type Log = (event: string, facts?: Readonly<Record<string, unknown>>) => void;

/** Holds one local tunnel until it expires, is told to stop, or loses its parent. Resolves to the exit code. */
export async function runLease({ stdin, stdout, log }: LeaseStreams): Promise<number> {
  // A parent that left must not end a kept lease by a broken pipe.
  for (const stream of [stdout, log]) stream.on('error', () => undefined);
  const ending = Promise.withResolvers<string>();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => ending.resolve(name));
  const order = await readOrder(stdin, () => ending.resolve('parent gone'));
  const write = logger(log);
  const answer = (value: LeaseAnswer) => stdout.write(`${JSON.stringify(value)}\n`);
  const expiry = afterExpiry(Date.parse(order.expires_at), () => ending.resolve('expired'));
  let connection: Connection | undefined;
  try {
    connection = await hold(order, { write, answer, end: ending.resolve });
    write('ended', { reason: await ending.promise });
    return 0;
  } catch (error) {
    const { code, message, next } = toRstreamError(error, 'ERR_RSTREAM_LEASE_FAILED');
    answer({ status: 'failed', code, message, next });
    return 1;
  } finally {
    clearInterval(expiry);
    await Promise.race([connection?.close(), sleep(mcpLimits.leaseStop.default / 2)]);
    await removeEntry(order.directory, order.id);
    setTimeout(() => process.exit(), 100).unref();
    stdin.destroy();
  }
}

/** The order; `onGone` is called when the input ends, unless the order says to stay. */
async function readOrder(stdin: Readable, onGone: () => void): Promise<LeaseOrder> {
  const order = Promise.withResolvers<LeaseOrder>();
  const lines = createInterface({ input: stdin });
  lines.once('line', (line) => {
    const parsed = LeaseOrder.safeParse(JSON.parse(line));
    if (!parsed.success) return order.reject(new RstreamError('ERR_RSTREAM_LEASE_FAILED', 'The order of the lease is not valid.'));
    if (!parsed.data.keep) lines.once('close', onGone);
    return order.resolve(parsed.data);
  });
  lines.once('close', () => order.reject(new RstreamError('ERR_RSTREAM_LEASE_FAILED', 'There was no order on stdin.')));
  return await order.promise;
}

/** A lease may sleep with its machine, so the clock is looked at now and then instead of trusting one long timer. */
function afterExpiry(at: number, then: () => void): NodeJS.Timeout {
  const check = () => {
    if (Date.now() >= at) then();
  };
  setTimeout(check, Math.min(Math.max(0, at - Date.now()), 2 ** 31 - 1)).unref();
  return setInterval(check, 30_000);
}

interface Reports {
  readonly write: Log;
  readonly answer: (value: LeaseAnswer) => void;
  readonly end: (reason: string) => void;
}

/** Connects and opens the tunnel; resolves when it is online for the first time. */
async function hold(order: LeaseOrder, { write, answer, end }: Reports): Promise<Connection> {
  const flags = definedFlags(order.flags);
  const context = async () => await inProject(await resolveContext({ flags }), order.project, flags);
  const { engine } = await context();
  if (engine === undefined) throw new RstreamError('ERR_RSTREAM_CONTEXT_REQUIRED');
  const connection = keepConnected({
    engine,
    token: async () => (await context()).token,
    client: {
      agent: 'rstream-mcp',
      channel: 'lease',
      version: productVersion,
      os: process.platform,
      arch: process.arch,
      protocol_version: protocolVersion,
    },
  });
  connection.on('status', ({ state, error }) => write(state, error === undefined ? {} : { code: error.code, message: error.message }));
  const loopback = ['localhost', '127.0.0.1', '::1'].includes(order.host);
  const forward = forwardTo(
    {
      host: order.host,
      port: order.port,
      pool: order.properties.protocol === 'http',
      // A certificate for a loopback name cannot be issued by anyone, so there is nothing to verify there.
      ...(order.properties.upstream_tls === true ? { tls: { rejectUnauthorized: !loopback } } : {}),
    },
    { onRefused: (header, error) => write('refused', { stream_id: header.stream_id, code: error.code }) },
  );
  const listener = connection.listen(order.properties, forward);
  const online = Promise.withResolvers<void>();
  let answered = false;
  listener.on('status', (status) => {
    void (async () => {
      write(status.state, { code: status.error?.code, tunnel_id: status.tunnel?.id });
      if (status.state === 'online') {
        const entry = await entryOf(order, status);
        await writeEntry(order.directory, entry);
        if (!answered) answer({ status: 'online', entry });
        answered = true;
        online.resolve();
      } else if (status.state !== 'offline') {
        online.reject(status.error ?? new RstreamError('TUNNEL_REPLACED'));
        end(status.state);
      }
    })().catch((error: unknown) => online.reject(toRstreamError(error)));
  });
  // Without a first success there is nothing to hold on to: the caller is waiting for an answer, not for a reconnect.
  connection.on('status', ({ state, error }) => {
    if (!answered && (state === 'disconnected' || state === 'stopped'))
      online.reject(error ?? new RstreamError('ERR_RSTREAM_CONNECT_FAILED'));
  });
  try {
    await online.promise;
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function entryOf(order: LeaseOrder, { tunnel, forwarding = '' }: ListenerStatus): Promise<LeaseEntry> {
  if (tunnel === undefined) throw new RstreamError('INTERNAL', 'The relay opened a tunnel without naming it.');
  const self = await identify(process.pid);
  return {
    version: 1,
    id: order.id,
    name: tunnel.name ?? order.id,
    tunnel_id: tunnel.id,
    url: forwarding,
    forwarded: `${order.host}:${order.port}`,
    host: order.host,
    port: order.port,
    publish: tunnel.publish,
    protocol: tunnel.protocol ?? tunnel.type,
    token_auth: tunnel.token_auth ?? false,
    project_id: tunnel.project_id,
    ...(order.project === undefined ? {} : { project: order.project }),
    keep: order.keep,
    created_at: tunnel.creation_date,
    expires_at: order.expires_at,
    log_path: logPath(order.directory, order.id),
    process: self ?? { pid: process.pid },
    owner: order.owner,
  };
}

function definedFlags(flags: LeaseOrder['flags']): ContextFlags {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

/** Lines of JSON up to `mcpLimits.leaseLogBytes`; what comes after is dropped. */
function logger(log: Writable): Log {
  let room = mcpLimits.leaseLogBytes.default;
  return (event, facts = {}) => {
    const line = `${JSON.stringify({ at: new Date().toISOString(), event, ...facts })}\n`;
    room -= line.length;
    if (room > 0) log.write(line);
  };
}
