import * as z from 'zod';

/** Where a token is kept. `inline` is the value in the file itself; other kinds are kept as they are and not opened. */
export const TokenStorage = z.looseObject({
  kind: z.string(),
  value: z.string().optional(),
});

/** How the engine and the control plane prove who asks. */
export const Auth = z.looseObject({
  token: z.looseObject({ storage: TokenStorage.optional() }).optional(),
  mtls: z.looseObject({}).optional(),
});

/** Settings of the connection; keys that this release does not read are kept. */
export const Transport = z.looseObject({
  mode: z.string().optional(),
  tls: z
    .looseObject({ caFile: z.string().optional(), serverName: z.string().optional(), insecureSkipVerify: z.boolean().optional() })
    .optional(),
});
export type Transport = z.infer<typeof Transport>;

const url = z.string().regex(/^https?:\/\/[^\s]+$/, 'must start with http:// or https://');

/** A named choice of engine and credential. Without `apiUrl` it is unlinked: it inherits nothing from an environment. */
export const Context = z.looseObject({
  name: z.string().min(1).max(128),
  apiUrl: url.optional(),
  projectEndpoint: z.string().optional(),
  engine: z.string().optional(),
  region: z.string().optional(),
  auth: Auth.optional(),
  transport: Transport.optional(),
});
export type Context = z.infer<typeof Context>;

/** What all contexts of one control plane share. */
export const Environment = z.looseObject({
  apiUrl: url,
  headers: z.record(z.string(), z.string()).optional(),
  auth: Auth.optional(),
  transport: Transport.optional(),
});
export type Environment = z.infer<typeof Environment>;

/** The configuration file, version 1. Unknown keys are allowed and survive every change. */
export const ConfigFile = z.looseObject({
  version: z.literal(1).default(1),
  defaults: z.looseObject({ context: z.looseObject({ name: z.string().optional() }).nullish() }).nullish(),
  environments: z.array(Environment).nullish(),
  contexts: z.array(Context).nullish(),
});
export type ConfigFile = z.infer<typeof ConfigFile>;
