import { RstreamError } from '@rstream/protocol';
import type { FilesClient } from './client.ts';
import { persist } from './persist.ts';
import { pathOf } from './path.ts';

/** Makes a folder unless it is there. @throws RstreamError `ERR_RSTREAM_FILE_KIND` when a file is there */
export async function makeFolder(client: FilesClient, segments: readonly string[], signal?: AbortSignal): Promise<boolean> {
  if (segments.length === 0) return false;
  const answer = await persist(() => client.tell('MKCOL', segments, { folder: true, signal, accept: [405] }), { signal });
  if (answer.statusCode !== 405) return true;
  const there = await persist(() => client.stat(segments, signal), { signal });
  if (there?.kind !== 'directory')
    throw new RstreamError('ERR_RSTREAM_FILE_KIND', `${pathOf(segments)} is a file, and a folder is wanted there.`);
  return false;
}

/** The same with the folders above it. */
export async function makeFolders(client: FilesClient, segments: readonly string[], signal?: AbortSignal): Promise<boolean> {
  let made = false;
  for (let depth = 1; depth <= segments.length; depth += 1) made = await makeFolder(client, segments.slice(0, depth), signal);
  return made;
}
