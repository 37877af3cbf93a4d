import { RstreamError } from '@rstream/protocol';
import { fileQueryParameter, FileSearchRow } from '@rstream/protocol/files';
import { limits } from '@rstream/protocol/limits';
import type { FileEntry, FilesClient } from '../client.ts';
import { chunksOf } from '../http.ts';
import type { Preview } from './page.ts';

/** `file 2` before `file 10`. */
const collator = new Intl.Collator('en', { numeric: true });

/** Entries of a folder: folders first, then by name as people read it. */
export async function listFolder(client: FilesClient, segments: readonly string[], signal: AbortSignal): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  for await (const entry of client.list(segments, signal)) {
    if (entry.segments.length === segments.length) continue;
    if (entries.length >= limits.files.shareListing.default)
      throw new RstreamError('ERR_RSTREAM_FILE_STATUS', `The folder has more than ${limits.files.shareListing.default} entries.`, {
        details: { status: 507 },
      });
    entries.push(entry);
  }
  const { compare } = collator;
  return entries.sort((a, b) =>
    a.kind === b.kind ? compare(a.segments.at(-1) ?? '', b.segments.at(-1) ?? '') : a.kind === 'directory' ? -1 : 1,
  );
}

/** Entries below a folder whose name has this text in it. */
export async function searchNames(
  client: FilesClient,
  segments: readonly string[],
  { text, signal }: { text: string; signal: AbortSignal },
): Promise<{ matches: FileEntry[]; isComplete: boolean }> {
  // `*` and `?` stay what they are in a pattern; they narrow nothing that a person may not see.
  const query = { [fileQueryParameter]: 'search', name: `*${text}*`, ignore_case: '1', limit: String(limits.files.shareRows.default) };
  const answer = await client.ask('GET', segments, { query, folder: true, signal });
  const matches: FileEntry[] = [];
  let isComplete = false;
  let rest = '';
  for await (const chunk of chunksOf(answer, { signal })) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const row = FileSearchRow.parse(JSON.parse(line));
      if (row.type === 'end') isComplete = row.complete;
      else matches.push(entryOf(segments, row));
    }
  }
  const { compare } = collator;
  return { matches: matches.sort((a, b) => compare(a.segments.join('/'), b.segments.join('/'))), isComplete };
}

function entryOf(
  base: readonly string[],
  row: { path: string; kind: 'file' | 'folder'; size?: number | undefined; modified: string; etag: string },
): FileEntry {
  const { path, kind, size, modified, etag } = row;
  return {
    segments: [...base, ...path.split('/')],
    kind: kind === 'folder' ? 'directory' : 'file',
    modified: Date.parse(modified),
    etag,
    ...(size === undefined ? {} : { size }),
  };
}

const shownByBrowsers: Readonly<Record<string, 'image' | 'video' | 'audio'>> = {
  avif: 'image',
  bmp: 'image',
  gif: 'image',
  ico: 'image',
  jpeg: 'image',
  jpg: 'image',
  png: 'image',
  svg: 'image',
  webp: 'image',
  mp4: 'video',
  webm: 'video',
  flac: 'audio',
  m4a: 'audio',
  mp3: 'audio',
  ogg: 'audio',
  wav: 'audio',
};

/** What of a file is shown. Text is what is UTF-8 without control characters, whatever its name says. */
export async function previewOf(client: FilesClient, { segments, size = 0 }: FileEntry, signal: AbortSignal): Promise<Preview> {
  const name = segments.at(-1) ?? '';
  const kind = shownByBrowsers[name.slice(name.lastIndexOf('.') + 1).toLowerCase()];
  if (kind !== undefined) return { kind };
  const most = limits.files.sharePreview.default;
  if (size === 0) return { kind: 'text', text: '', isShortened: false };
  const answer = await client.ask('GET', segments, { headers: { range: `bytes=0-${most - 1}` }, signal });
  const chunks: Buffer[] = [];
  for await (const chunk of chunksOf(answer, { signal })) chunks.push(chunk);
  const text = textIn(Buffer.concat(chunks), size > most);
  return text === undefined ? { kind: 'none' } : { kind: 'text', text, isShortened: size > most };
}

function textIn(bytes: Buffer, isCut: boolean): string | undefined {
  try {
    // A character that the end cuts in two is left out.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isCut });
    // oxlint-disable-next-line no-control-regex -- they are what no text has
    return /[\u0000-\u0008\u000E-\u001A\u001C-\u001F]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
