import * as z from 'zod';

/**
 * Result of a remote command: the same JSON from the CLI, the library and MCP.
 * `exit_code` is null when a signal ended the command or it never started.
 */
export const ExecResult = z.object({
  url: z.string(),
  command: z.array(z.string()),
  exit_code: z.int().nullable(),
  /** Name such as SIGTERM, else null. */
  signal: z.string().nullable(),
  timed_out: z.boolean(),
  cancelled: z.boolean(),
  stdout: z.string(),
  stderr: z.string(),
  /** True when either stream is shortened: head and tail are kept. */
  truncated: z.boolean(),
  stdout_truncated: z.boolean(),
  stderr_truncated: z.boolean(),
  /** Bytes that the command wrote, kept or not. */
  stdout_bytes: z.int(),
  stderr_bytes: z.int(),
  /** `base64` when either kept output is not valid UTF-8; then both are base64. */
  encoding: z.enum(['utf8', 'base64']),
  duration_ms: z.number(),
});
export type ExecResult = z.infer<typeof ExecResult>;

/** A job of a device: the same JSON from the CLI and MCP. */
export const JobInfo = z.object({
  job_id: z.string(),
  /** `rstrm://NAME#ID`: the job and its device in one word. */
  handle: z.string(),
  url: z.string(),
  label: z.string(),
  command: z.array(z.string()),
  workdir: z.string(),
  running: z.boolean(),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  timed_out: z.boolean(),
  cancelled: z.boolean(),
  /** Bytes that the command wrote. */
  stdout_bytes: z.int(),
  stderr_bytes: z.int(),
  /** Bytes of them that can be read, from the first on. */
  stdout_kept: z.int(),
  stderr_kept: z.int(),
});
export type JobInfo = z.infer<typeof JobInfo>;

/** What is known of a job that was just started. */
export const StartedJob = JobInfo.pick({ job_id: true, handle: true, url: true, label: true, command: true });
export type StartedJob = z.infer<typeof StartedJob>;

/** A piece of a job's output, and where the next one begins. */
export const JobOutput = JobInfo.extend({
  stdout: z.string(),
  stderr: z.string(),
  /** `base64` when either piece is not valid UTF-8; then both are base64. */
  encoding: z.enum(['utf8', 'base64']),
  stdout_offset: z.int(),
  stderr_offset: z.int(),
  /** Offsets for the next piece. */
  next_stdout_offset: z.int(),
  next_stderr_offset: z.int(),
  /** The job has ended and everything that is kept was read. */
  complete: z.boolean(),
});
export type JobOutput = z.infer<typeof JobOutput>;

/** A WebTTY server as `webtty list` and `rstream_webtty_list` show it. */
export const WebttyServer = z.object({
  status: z.enum(['online', 'offline']),
  tunnel_id: z.string(),
  tunnel_name: z.string().optional(),
  tunnel_protocol: z.string().optional(),
  managed: z.boolean(),
  target: z.string(),
  rstream_url: z.string(),
  publish: z.boolean(),
  host: z.string().optional(),
  token_auth: z.boolean(),
  server_id: z.string().optional(),
  server_name: z.string().optional(),
  workspace_id: z.string(),
  project_id: z.string(),
  host_key_id: z.string().optional(),
  e2e: z.string().optional(),
  client_proof: z.string().optional(),
  encryption_policy: z.string().optional(),
  capabilities: z.array(z.string()),
  exec_path: z.string(),
  fs_path: z.string().optional(),
  fs_backend: z.string().optional(),
  fs_mode: z.string().optional(),
  os_family: z.string().optional(),
  arch: z.string().optional(),
  os_id: z.string().optional(),
  os_version_id: z.string().optional(),
  os_version_codename: z.string().optional(),
  os_pretty_name: z.string().optional(),
  kernel_release: z.string().optional(),
  hostname: z.string().optional(),
  labels: z.record(z.string(), z.string()),
});
export type WebttyServer = z.infer<typeof WebttyServer>;
