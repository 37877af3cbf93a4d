import * as z from 'zod';

/** A lease as the tools show it. */
export const leaseShape = {
  id: z.string(),
  name: z.string(),
  tunnel_id: z.string(),
  url: z.string(),
  forwarded: z.string(),
  host: z.string(),
  port: z.number(),
  pid: z.number(),
  publish: z.boolean(),
  protocol: z.string(),
  token_auth: z.boolean(),
  keep: z.boolean(),
  cleanup_tool: z.string(),
  cleanup_id: z.string(),
  created_at: z.string(),
  expires_at: z.string(),
  log_path: z.string(),
};

/** Name of the tool that ends a lease. */
export const cleanupTool = 'rstream_local_tunnel_stop';
