import { RstreamError } from '@rstream/protocol';
import type { FileHash } from '@rstream/protocol/files';
import type { FilesClient } from './client.ts';
import { persist } from './persist.ts';
import { statusOf } from './status-error.ts';

/** SHA-256 of a file as the device has it; undefined when it offers none, or the file changes while it is read. */
export async function offeredHash(client: FilesClient, segments: readonly string[], signal?: AbortSignal): Promise<FileHash | undefined> {
  try {
    return await persist(() => client.hash(segments, 'sha256', signal), { signal });
  } catch (error) {
    const refused = [400, 404, 405, 409, 501].includes(statusOf(error) ?? 0);
    if (refused || (RstreamError.is(error) && error.code === 'ERR_RSTREAM_FILE_STATUS')) return undefined;
    throw error;
  }
}
