import type { CallOptions, FileAddress, FilesPort, Replacing } from '@rstream/mcp-tools';
import { RstreamError } from '@rstream/protocol';
import { Readable } from 'node:stream';
import { createFilesClient, type FileEntry, type FilesClient } from '../../files/client.ts';
import { download } from '../../files/download.ts';
import { chunksOf } from '../../files/http.ts';
import { remoteLocation } from '../../files/location.ts';
import { makeFolders } from '../../files/make-folder.ts';
import { persist } from '../../files/persist.ts';
import { shownEntry } from '../../files/shown-entry.ts';
import { upload } from '../../files/upload.ts';
import { deviceFiles } from '../../files/with-files.ts';
import { writeFile } from '../../files/write.ts';
import type { Operators } from './operators.ts';

const replaceOf = ({ overwrite, ifMatch }: Replacing): boolean | string => overwrite || (ifMatch ?? false);

/** Files of devices over the shared session with the relay. */
export function filesPort(operators: Operators): FilesPort {
  const on = async <Result>(
    { url: asked, fsPath, path }: FileAddress,
    { signal, project }: CallOptions,
    work: (client: FilesClient, segments: readonly string[]) => Promise<Result>,
  ): Promise<Result> => {
    const { url, segments } = remoteLocation(path, asked);
    const { http, fsPath: prefix } = await deviceFiles(await operators.for(project), { url, fsPath, signal });
    const client = createFilesClient(http, prefix);
    try {
      return await work(client, segments);
    } finally {
      client.close();
    }
  };
  return {
    list: (at, options) =>
      on(at, options, async (client, segments) => {
        const entries = await persist(() => entriesOf(client, segments, options.signal), options);
        return entries.map(shownEntry).sort((a, b) => (a.path < b.path ? -1 : 1));
      }),
    read: (at, range, options) =>
      on(at, options, (client, segments) => persist(() => readPiece(client, segments, { ...range, ...options }), options)),
    write: (at, content, options) =>
      on(at, options, (client, segments) =>
        writeFile(client, segments, Readable.from([content]), { signal: options.signal, replace: replaceOf(options) }),
      ),
    makeFolder: (at, options) => on(at, options, (client, segments) => makeFolders(client, segments, options.signal)),
    remove: (at, options) =>
      on(at, options, async (client, segments) => {
        const entry = await client.stat(segments, options.signal);
        if (entry === undefined) return false;
        const isFolder = entry.kind === 'directory';
        if (isFolder && !options.recursive)
          throw new RstreamError('ERR_RSTREAM_FILE_KIND', 'It is a folder.', { next: 'Set recursive to delete all in it.' });
        await client.tell('DELETE', segments, { signal: options.signal, folder: isFolder });
        return true;
      }),
    upload: (at, localPath, options) =>
      on(
        at,
        options,
        async (client, segments) =>
          (await upload(client, localPath, segments, { signal: options.signal, replace: replaceOf(options) })).bytes,
      ),
    download: (at, localPath, options) =>
      on(
        at,
        options,
        async (client, segments) =>
          (await download(client, segments, localPath, { signal: options.signal, replace: options.overwrite })).bytes,
      ),
  };
}

async function entriesOf(client: FilesClient, segments: readonly string[], signal: AbortSignal): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  for await (const entry of client.list(segments, signal)) entries.push(entry);
  return entries;
}

async function readPiece(
  client: FilesClient,
  segments: readonly string[],
  { offset, length, signal }: { offset: number; length: number; signal: AbortSignal },
): Promise<{ bytes: Buffer; size: number; etag?: string }> {
  const answer = await client.ask('GET', segments, { headers: { range: `bytes=${offset}-${offset + length - 1}` }, signal, accept: [416] });
  const [, total] = /\/(\d+)$/.exec(answer.headers['content-range'] ?? '') ?? [];
  const { etag } = answer.headers;
  const facts = etag === undefined ? {} : { etag };
  if (answer.statusCode === 416) {
    answer.resume();
    return { bytes: Buffer.alloc(0), size: Number(total ?? offset), ...facts };
  }
  const chunks: Buffer[] = [];
  for await (const chunk of chunksOf(answer, { signal })) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return { bytes, size: Number(total ?? bytes.length), ...facts };
}
