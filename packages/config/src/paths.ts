import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Environment variables, as `process.env` gives them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The file to use: flag, then RSTREAM_CONFIG, then `~/.rstream/config.yaml`. Always absolute. */
export function configPath({ flag, env = process.env }: { flag?: string | undefined; env?: Env } = {}): string {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? homedir();
  const chosen = flag ?? nonEmpty(env['RSTREAM_CONFIG']);
  if (chosen === undefined) return join(home, '.rstream', 'config.yaml');
  return resolve(chosen.startsWith('~/') ? join(home, chosen.slice(2)) : chosen);
}

/** An empty variable counts as one that is not set. */
export function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}
