import { RstreamError } from '@rstream/protocol';
import type { ExecResult, JobInfo, JobOutput, WebttyServer } from '@rstream/protocol/exec';
import type { ExecRequest, Lease, LeaseRequest, RuntimePorts } from '@rstream/mcp-tools';

/** A token that must never be seen in a result, except inside the `ready_url` that asked for it. */
export const fakeToken = 'eyJhbGciOiJIUzI1NiJ9.eyJzZWNyZXQiOiJmYWtlIn0.c2lnbmF0dXJlLWZha2U';

export const device = (name: string): WebttyServer => ({
  status: 'online',
  tunnel_id: `t-${name}`,
  tunnel_name: name,
  managed: false,
  target: name,
  rstream_url: `rstrm://${name}`,
  publish: false,
  token_auth: false,
  workspace_id: 'w',
  project_id: 'p',
  capabilities: ['exec'],
  exec_path: '/',
  labels: { role: 'test' },
});

export const execResult = (request: ExecRequest, change: Partial<ExecResult> = {}): ExecResult => ({
  url: request.url,
  command: [...request.command],
  exit_code: 0,
  signal: null,
  timed_out: false,
  cancelled: false,
  stdout: request.command.join(' '),
  stderr: '',
  truncated: false,
  stdout_truncated: false,
  stderr_truncated: false,
  stdout_bytes: 0,
  stderr_bytes: 0,
  encoding: 'utf8',
  duration_ms: 1,
  ...change,
});

export const jobInfo = (id: string, change: Partial<JobInfo> = {}): JobInfo => ({
  job_id: id,
  handle: `rstrm://alpha#${id}`,
  url: 'rstrm://alpha',
  label: '',
  command: ['make'],
  workdir: '/srv',
  running: true,
  started_at: '2029-01-01T00:00:00.000Z',
  ended_at: null,
  exit_code: null,
  signal: null,
  timed_out: false,
  cancelled: false,
  stdout_bytes: 0,
  stderr_bytes: 0,
  stdout_kept: 0,
  stderr_kept: 0,
  ...change,
});

export const jobOutput = (id: string, change: Partial<JobOutput> = {}): JobOutput => ({
  ...jobInfo(id),
  stdout: '',
  stderr: '',
  encoding: 'utf8',
  stdout_offset: 0,
  stderr_offset: 0,
  next_stdout_offset: 0,
  next_stderr_offset: 0,
  complete: false,
  ...change,
});

export interface FakePorts extends RuntimePorts {
  readonly leases: Map<string, Lease>;
  readonly exposed: LeaseRequest[];
  readonly minted: unknown[];
}

/** Ports that keep everything in memory. */
export function fakePorts(change: Partial<RuntimePorts> = {}): FakePorts {
  const leases = new Map<string, Lease>();
  const exposed: LeaseRequest[] = [];
  const minted: unknown[] = [];
  const state = {
    config_path: '/home/u/.rstream/config.yaml',
    contexts: 1,
    engine: 'e.test:8080',
    has_token: true,
    selected_context: 'home',
  };
  return {
    leases,
    exposed,
    minted,
    version: '0.1.0',
    contexts: {
      state: async () => state,
      list: async () => ({ default: 'home', contexts: [Object.assign({ name: 'home', has_token: true }, { token: fakeToken })] }),
      get: async (name) =>
        name === undefined || name === 'home'
          ? Object.assign({ name: 'home', engine: 'e.test:8080', has_token: true }, { token: fakeToken })
          : undefined,
    },
    inventory: { listWebtty: async ({ name }) => ['alpha', 'beta', 'gamma'].filter((n) => name === undefined || n === name).map(device) },
    commands: { exec: async (request) => execResult(request) },
    jobs: {
      start: async ({ url, command, label = '' }) => ({ job_id: 'j', handle: `${url}#j`, url, label, command: [...command] }),
      list: async () => [jobInfo('b'), jobInfo('a', { running: false, exit_code: 0 })],
      read: async (handle) => jobOutput(handle.replace(/^.*#/, '')),
      cancel: async (handle) => jobInfo(handle.replace(/^.*#/, ''), { running: false, cancelled: true }),
    },
    files: {
      list: async ({ path }) => [
        { path, kind: 'directory' },
        { path: `${path}/a`, kind: 'file', size: 5 },
      ],
      read: async (_at, { offset, length }) => ({ bytes: Buffer.from('grüße').subarray(offset, offset + length), size: 7, etag: '"1"' }),
      write: async (_at, content) => ({ bytes: content.length }),
      makeFolder: async () => true,
      remove: async () => true,
      upload: async () => 5,
      download: async () => 5,
    },
    localTunnels: {
      async expose(request) {
        exposed.push(request);
        const lease = leaseOf(`lt-${exposed.length}`, request);
        leases.set(lease.id, lease);
        return lease;
      },
      list: async () => [...leases.values()],
      async stop(id) {
        const lease = leases.get(id);
        if (lease === undefined) throw new RstreamError('ERR_RSTREAM_LEASE_NOT_FOUND');
        leases.delete(id);
        return { id, tunnel_id: lease.tunnel_id, pid: lease.pid, inventory: 'gone' };
      },
    },
    tokens: {
      async mintForTunnel(request) {
        minted.push(request);
        return { token: fakeToken, expires_at: '2030-01-01T00:00:00.000Z' };
      },
    },
    ...change,
  };
}

export const leaseOf = (id: string, request: LeaseRequest, owner: Lease['owner'] = 'self'): Lease => ({
  id,
  name: request.properties.name ?? id,
  tunnel_id: `tun-${id}`,
  url: `https://${id}.t.test`,
  forwarded: `${request.host}:${request.port}`,
  host: request.host,
  port: request.port,
  pid: 4242,
  publish: request.properties.publish ?? true,
  protocol: request.properties.protocol ?? 'bytestream',
  token_auth: request.properties.token_auth ?? false,
  keep: request.keep,
  owner,
  created_at: '2029-01-01T00:00:00.000Z',
  expires_at: '2029-01-01T01:00:00.000Z',
  log_path: `/tmp/${id}.log`,
});
