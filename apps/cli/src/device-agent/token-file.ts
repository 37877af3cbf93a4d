import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A token in a file that only this user can read, for a program that must not get it by its arguments or environment. */
export interface PrivateTokenFile {
  readonly path: string;
  remove(): void;
}

export function privateTokenFile(token: string): PrivateTokenFile {
  // Made with mode 0700.
  const folder = mkdtempSync(join(tmpdir(), 'rstream-token-'));
  const path = join(folder, 'token');
  const remove = (): void => {
    process.off('exit', remove);
    rmSync(folder, { recursive: true, force: true });
  };
  process.on('exit', remove);
  writeFileSync(path, `${token}\n`, { mode: 0o600, flag: 'wx' });
  return { path, remove };
}
