import { closeSync } from 'node:fs';
import { fileArchiveTrailer, FileArchiveFormat } from '@rstream/protocol/files';
import { openFile } from '../entry.ts';
import { Failure, systemCode } from '../failure.ts';
import { chunksOf } from '../file-chunks.ts';
import type { Exchange } from '../exchange.ts';
import type { ArchiveWriter } from './archive-writer.ts';
import { writePatiently } from './outlet.ts';
import { wordIn } from './parameters.ts';
import type { Query } from './question.ts';
import { TarWriter } from './tar.ts';
import { TreeWalk, type Walked } from './walk.ts';
import { ZipWriter } from './zip.ts';

/**
 * `?rstream=archive`: a folder with all below it, or a file. It begins before it is known whether it can be finished; when it cannot,
 * the answer is cut. What could not be read is not in it, and counted in a trailer.
 */
export async function archive(query: Query): Promise<void> {
  const { exchange, parameters, place, entry } = query;
  const format = wordIn(parameters, 'format', FileArchiveFormat.options) ?? 'zip';
  const writer: ArchiveWriter = format === 'zip' ? new ZipWriter() : new TarWriter();
  const name = exchange.address.segments.at(-1) ?? 'files';
  await exchange.shared.slots.with('archives', async () => {
    // What cannot be opened at all is refused while that can still be said.
    if (entry.kind === 'folder') place.folder.enter(place.name).close();
    else closeSync(openFile(place.folder, place.name).fd);
    exchange.response.writeHead(200, {
      'content-type': writer.type,
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(`${name}.${format}`)}`,
      trailer: fileArchiveTrailer,
    });
    const walk = new TreeWalk(query);
    for await (const walked of walk.all()) {
      // Only a file that was asked for itself has no path below what was asked for.
      const path = walked.path === '' ? name : walked.path;
      if (walked.entry.kind === 'file') await addFile(exchange, { writer, walk, walked, path });
      else if (walked.path !== '') await writePatiently(exchange, writer.head({ ...walked.entry, path: `${path}/`, size: 0 }));
    }
    if (walk.reason !== undefined) throw new Failure(507, `The folder has more ${walk.reason} than an archive may have.`);
    for (const part of writer.end()) await writePatiently(exchange, part);
    exchange.response.addTrailers({ [fileArchiveTrailer]: String(walk.unreadable) });
    exchange.response.end();
  });
}

interface Adding {
  readonly writer: ArchiveWriter;
  readonly walk: TreeWalk;
  readonly walked: Walked;
  readonly path: string;
}

async function addFile(exchange: Exchange, { writer, walk, walked, path }: Adding): Promise<void> {
  let opened: ReturnType<typeof openFile>;
  try {
    opened = openShown(exchange, walked);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    walk.unreadable += 1;
    return;
  }
  const { fd, entry } = opened;
  try {
    await writePatiently(exchange, writer.head({ ...entry, path }));
    // As much as was announced: what is added meanwhile is not in the archive, and a file that becomes shorter cuts it.
    for await (const chunk of chunksOf(fd, { start: 0, end: entry.size - 1 })) {
      writer.update(chunk);
      await writePatiently(exchange, chunk);
    }
    const foot = writer.foot();
    if (foot.length > 0) await writePatiently(exchange, foot);
  } finally {
    closeSync(fd);
  }
}

/** Through a link the content is that of another place, which is walked to again. */
function openShown({ shared }: Exchange, { linked, folder, name, key }: Walked): ReturnType<typeof openFile> {
  return linked ? shared.root.peek(key.split('/'), (place) => openFile(place.folder, place.name)) : openFile(folder, name);
}
