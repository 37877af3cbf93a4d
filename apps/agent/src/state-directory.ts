import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where an agent keeps what outlives it, unless told otherwise: a folder of its name in the account's state folder (XDG base
 * directories). Names of tunnels hold nothing that could leave that folder.
 */
export function defaultStateDirectory(name: string, environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment['XDG_STATE_HOME'];
  const folder = base?.startsWith('/') === true ? base : join(homedir(), '.local', 'state');
  return join(folder, 'rstream-agent', name);
}
