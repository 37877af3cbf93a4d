import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface WriteOptions {
  /** Permission bits of the file. Default 0600. */
  readonly mode?: number;
}

const prefixOf = (file: string): string => `.${basename(file)}.`;
const suffix = '.tmp';

/**
 * Replaces a file as a whole: a crash at any moment leaves the old content or the new one. Follows a symbolic link to the file that it
 * names. Missing directories are made with mode 0700.
 */
export async function writeFileAtomic(path: string, content: string, { mode = 0o600 }: WriteOptions = {}): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const target = await realPathOf(path);
  const directory = dirname(target);
  const temporary = join(directory, `${prefixOf(target)}${process.pid}-${randomBytes(6).toString('hex')}${suffix}`);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.chmod(mode);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(directory);
}

/** Removes what a killed writer left behind. Only for the holder of the file's lock: then no writer is alive. */
export async function removeLeftovers(path: string): Promise<void> {
  const target = await realPathOf(path);
  const names = await readdir(dirname(target)).catch(() => []);
  const dead = names.filter((name) => name.startsWith(prefixOf(target)) && name.endsWith(suffix));
  for (const name of dead) await rm(join(dirname(target), name), { force: true });
}

async function realPathOf(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/** A rename is durable once its directory is synced; some file systems cannot do that, and then nothing is lost but the guarantee. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  await handle.sync().catch(() => {});
  await handle.close();
}
