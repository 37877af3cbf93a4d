import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { writeFileAtomic } from '@rstream/config';
import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';

/** Reads a client's configuration file; empty text when there is none. */
export async function readClientFile(path: string): Promise<string> {
  const found = await statOf(path);
  if (found === undefined) return '';
  if (!found.isFile() || found.size > limits.config.fileBytes.default) {
    throw new RstreamError('ERR_RSTREAM_SETUP_FAILED', `${path} is not a configuration file.`);
  }
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new RstreamError('ERR_RSTREAM_SETUP_FAILED', `${path} cannot be read.`, { cause });
  });
}

/**
 * Replaces the file if it still is what was read: the client may have written it meanwhile. Keeps its permissions and follows a symbolic
 * link; a new file is 0600.
 */
export async function replaceClientFile(path: string, { before, after }: { before: string; after: string }): Promise<void> {
  const found = await statOf(path);
  if ((await readClientFile(path)) !== before) {
    throw new RstreamError('ERR_RSTREAM_SETUP_FAILED', `${path} was changed by another program at this moment.`, {
      next: 'Run the command again.',
    });
  }
  try {
    await writeFileAtomic(path, after, found === undefined ? {} : { mode: found.mode & 0o777 });
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_SETUP_FAILED', `${path} cannot be written.`, { cause });
  }
}

/** Only a file that is not there reads as none: one that cannot be looked at may hold settings, and is not to be replaced. */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RstreamError('ERR_RSTREAM_SETUP_FAILED', `${path} cannot be read.`, { cause });
  }
}
