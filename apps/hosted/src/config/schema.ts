import * as z from 'zod';
import { limits } from '@rstream/protocol';

const units = { ms: 1, s: 1_000, m: 60_000 } as const;

/** Milliseconds from a number or from text like `500ms`, `10s`, `2m`. */
const Duration = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(\d+)(ms|s|m)?$/.exec(String(value));
  if (match === null) {
    context.addIssue({ code: 'custom', message: 'must be a duration like 500ms, 10s or 2m' });
    return z.NEVER;
  }
  return Number(match[1]) * units[(match[2] ?? 'ms') as keyof typeof units];
});

/** A flag gives several values, an environment variable gives them separated by commas. */
const TextList = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '')
      : value,
  z.array(z.string().min(1)).max(256),
);

const Switch = z.union([z.boolean(), z.stringbool()]);

/** Every setting of the hosted process. The keys are those of the YAML file; flags and environment variables map onto them. */
export const HostedConfig = z.strictObject({
  /** Address of the public listener: control plane, engines, published tunnels. */
  listen: z.string().default('127.0.0.1:8080'),
  /** Public name, `NAME[:PORT]`; without a port that of the listener is used. */
  baseHost: z.string().default('rstream.localhost'),
  /** Where the database, the owner token and `ready.json` live. */
  dataDir: z.string().min(1).default('rstream-data'),
  metrics: z
    .strictObject({
      /** Address of the Prometheus listener; `off` for none. */
      listen: z.string().default('127.0.0.1:9464'),
    })
    .prefault({}),
  tls: z
    .strictObject({ cert: z.string().min(1), key: z.string().min(1) })
    .partial()
    .refine((tls) => (tls.cert === undefined) === (tls.key === undefined), 'cert and key go together')
    .prefault({}),
  /** Serve clear text on an address that other machines can reach. */
  insecure: Switch.default(false),
  /** Networks of the proxies that add TLS and whose `x-forwarded-for` is believed. */
  trustedProxies: TextList.default([]),
  /** `fatal` … `trace`, or `silent`. */
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Time that running streams get to finish when the process stops. */
  drainTimeout: Duration.default(limits.control.drainTimeout.default),
});

/** Validated settings with every default in place. */
export type HostedConfig = z.infer<typeof HostedConfig>;
/** Settings as a caller may give them: everything optional. */
export type HostedConfigInput = z.input<typeof HostedConfig>;
