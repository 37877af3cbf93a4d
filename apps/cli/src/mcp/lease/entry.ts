import { TunnelProperties } from '@rstream/protocol/tunnel';
import * as z from 'zod';

const Process = z.object({ pid: z.int().positive(), started: z.string().optional() });

/** What a lease process is told on its stdin, as one line. Holds no secret: the process reads the configuration itself. */
export const LeaseOrder = z.object({
  id: z.string(),
  directory: z.string(),
  flags: z.object({ config: z.string().optional(), context: z.string().optional(), apiUrl: z.string().optional() }),
  project: z.string().optional(),
  host: z.string(),
  port: z.int(),
  properties: TunnelProperties,
  keep: z.boolean(),
  expires_at: z.string(),
  owner: Process.extend({ instance: z.string() }),
});
export type LeaseOrder = z.infer<typeof LeaseOrder>;

/** `<id>.json`: a lease that is online, written by its own process and removed by it. */
export const LeaseEntry = z.object({
  version: z.literal(1),
  id: z.string(),
  name: z.string(),
  tunnel_id: z.string(),
  url: z.string(),
  forwarded: z.string(),
  host: z.string(),
  port: z.int(),
  publish: z.boolean(),
  protocol: z.string(),
  token_auth: z.boolean(),
  project_id: z.string().optional(),
  project: z.string().optional(),
  keep: z.boolean(),
  created_at: z.string(),
  expires_at: z.string(),
  log_path: z.string(),
  process: Process,
  owner: Process.extend({ instance: z.string() }),
});
export type LeaseEntry = z.infer<typeof LeaseEntry>;

/** The one line that a lease process writes to its stdout. */
export const LeaseAnswer = z.discriminatedUnion('status', [
  z.object({ status: z.literal('online'), entry: LeaseEntry }),
  z.object({ status: z.literal('failed'), code: z.string(), message: z.string(), next: z.string() }),
]);
export type LeaseAnswer = z.infer<typeof LeaseAnswer>;
