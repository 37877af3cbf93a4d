import { stat } from 'node:fs/promises';

/** True when users other than the owner can read the file. Always false where the system has no such bits. */
export async function isReadableByOthers(path: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && (found.mode & 0o077) !== 0;
}
