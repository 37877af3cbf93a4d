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
