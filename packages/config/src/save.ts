import { RstreamError } from '@rstream/protocol';
import type { Document } from 'yaml';
import { removeLeftovers, writeFileAtomic } from './atomic-file.ts';
import { loadConfig, parseConfig, type LoadedConfig } from './load.ts';
import { withFileLock, type LockOptions } from './lock.ts';

/**
 * Changes a configuration file: takes its lock, reads it again, lets `edit` change the document, checks the result and replaces the
 * file (0600) as a whole. Nothing is written when the text stays the same or `edit` throws.
 */
export async function updateConfig(path: string, edit: (loaded: LoadedConfig) => void, options: LockOptions = {}): Promise<LoadedConfig> {
  return withFileLock(
    path,
    async () => {
      const loaded = await loadConfig(path);
      const before = loaded.document.toString();
      edit(loaded);
      const after = loaded.document.toString();
      if (after !== before || !loaded.exists) await write(path, after);
      return { ...loaded, ...parseConfig(after, path), exists: true };
    },
    options,
  );
}

/** Writes a document that was built or loaded by the caller, under the lock. Prefer `updateConfig`, which cannot lose another change. */
export async function saveConfig(path: string, document: Document, options: LockOptions = {}): Promise<void> {
  await withFileLock(path, () => write(path, document.toString()), options);
}

async function write(path: string, source: string): Promise<void> {
  parseConfig(source, path);
  try {
    await removeLeftovers(path);
    await writeFileAtomic(path, source);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RstreamError('ERR_RSTREAM_CONFIG_UNREADABLE', `${path} cannot be written (${code ?? 'unknown reason'}).`, { cause: error });
  }
}
