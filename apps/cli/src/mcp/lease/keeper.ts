import { randomBytes } from 'node:crypto';
import { configPath, type ContextFlags } from '@rstream/config';
import type { Lease, LeaseRequest, LocalTunnelPort } from '@rstream/mcp-tools';
import { RstreamError } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';
import { wellKnownLabels } from '@rstream/protocol/tunnel';
import type { Operators } from '../ports/operators.ts';
import { leaseDirectory, readEntries, removeEntry } from './directory.ts';
import type { LeaseEntry, LeaseOrder } from './entry.ts';
import { identify, isAlive } from './process-identity.ts';
import { endProcess, startLease, type StartedLease } from './start.ts';
import { confirmGone, endForeignProcess } from './stop.ts';

export interface KeeperOptions {
  readonly flags: ContextFlags;
  /** Identity of this MCP server. */
  readonly instance: string;
  readonly operators: Operators;
}

/** Local tunnels as processes of their own; `close` ends those that were not kept. */
export interface LeaseKeeper extends LocalTunnelPort {
  close(): Promise<void>;
}

export function leaseKeeper({ flags, instance, operators }: KeeperOptions): LeaseKeeper {
  const file = configPath({ flag: flags.config });
  const directory = leaseDirectory(file);
  const started = new Map<string, StartedLease>();

  async function order(request: LeaseRequest, project: string | undefined): Promise<LeaseOrder> {
    const id = `lt-${randomBytes(6).toString('hex')}`;
    const context = (await operators.for(project)).context;
    const owner = (await identify(process.pid)) ?? { pid: process.pid };
    return {
      id,
      directory,
      // The context is named, so that another default does not move the lease to another engine.
      flags: { ...flags, config: file, ...(context.name === undefined ? {} : { context: context.name }) },
      ...(project === undefined ? {} : { project }),
      host: request.host,
      port: request.port,
      properties: { ...request.properties, labels: { ...request.properties.labels, [wellKnownLabels.localTunnel.lease]: id } },
      keep: request.keep,
      expires_at: new Date(Date.now() + request.ttlSeconds * 1000).toISOString(),
      owner: { ...owner, instance },
    };
  }

  return {
    async expose(request, { signal, project }) {
      const wanted = await order(request, project);
      if ((await readEntries(directory)).length >= mcpLimits.leases.default) {
        throw new RstreamError('CAPACITY_EXHAUSTED', `There are already ${mcpLimits.leases.default} local tunnels.`, {
          next: 'Stop some with rstream_local_tunnel_stop.',
        });
      }
      const { serviceDialer } = await import('@rstream/tunnel-core');
      (await serviceDialer(request)(signal)).destroy();
      const lease = await startLease(wanted, signal);
      started.set(wanted.id, lease);
      lease.child.once('exit', () => started.delete(wanted.id));
      return { ...leaseOf(lease.entry), owner: 'self' };
    },
    async list() {
      const entries = await readEntries(directory);
      return await Promise.all(entries.map(async (entry) => Object.assign(leaseOf(entry), { owner: await ownerOf(entry, instance) })));
    },
    async stop(id, { signal }) {
      const entry = (await readEntries(directory)).find((lease) => lease.id === id);
      if (entry === undefined) throw new RstreamError('ERR_RSTREAM_LEASE_NOT_FOUND');
      const own = started.get(id);
      if (own === undefined) await endForeignProcess(entry.process, signal);
      else await endProcess(own.child);
      await removeEntry(directory, id);
      const inventory = await confirmGone(operators.for(entry.project), entry.tunnel_id, signal);
      return { id, tunnel_id: entry.tunnel_id, pid: entry.process.pid, inventory };
    },
    async close() {
      const mine = [...started.values()].filter(({ entry }) => !entry.keep);
      await Promise.allSettled(mine.map(({ child }) => endProcess(child)));
    },
  };
}

function leaseOf(entry: LeaseEntry): Omit<Lease, 'owner'> {
  const {
    process: { pid },
    owner: _owner,
    version: _version,
    project: _project,
    project_id,
    ...facts
  } = entry;
  return { ...facts, pid, ...(project_id === undefined ? {} : { project_id }) };
}

async function ownerOf(entry: LeaseEntry, instance: string): Promise<Lease['owner']> {
  if (entry.owner.instance === instance) return 'self';
  return !entry.keep && (await isAlive(entry.owner)) ? 'other' : 'none';
}
