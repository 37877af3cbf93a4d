import * as z from 'zod';

/** A context as both tools show it: never its credential. */
export const contextShape = {
  name: z.string(),
  engine: z.string().optional(),
  api_url: z.string().optional(),
  project_endpoint: z.string().optional(),
  has_token: z.boolean(),
};
