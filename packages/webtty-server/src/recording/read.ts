import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { byteLines } from './byte-lines.ts';
import { parseHeader, parseLine, type CastHeader } from './cast.ts';
import { readChainEnds } from './chain-file.ts';
import { isRecordingName } from './directory.ts';

/** An event as a file holds it; `code` may be one that we do not write. */
export interface ReadEvent {
  /** µs since the file began. */
  readonly at: number;
  readonly code: string;
  readonly data: string;
  readonly stderr: boolean;
}

/** A recording that is read: its header, and its events as they come. */
export interface Recording {
  readonly header: CastHeader;
  readonly events: AsyncGenerator<ReadEvent>;
}

/** Opens a recording. Throws `ERR_RSTREAM_RECORDING_UNREADABLE`, also while events are read; a last line without its end is left out. */
export async function readRecording(path: string): Promise<Recording> {
  const lines = byteLines(path);
  const first = await lines.next();
  const header = first.value === undefined ? undefined : parseHeader(first.value.toString());
  if (header === undefined) {
    await lines.return(undefined);
    throw new RstreamError('ERR_RSTREAM_RECORDING_UNREADABLE', `${path}: does not begin with the header of an asciicast v3 file.`);
  }
  return { header, events: readEvents(path, lines) };
}

async function* readEvents(path: string, lines: AsyncGenerator<Buffer>): AsyncGenerator<ReadEvent> {
  let at = 0;
  let stderr = false;
  let number = 1;
  for await (const bytes of lines) {
    number += 1;
    const line = bytes.toString();
    if (!line.endsWith('\n')) return;
    const event = parse(line.trimEnd(), `${path}: line ${number}`);
    if (event === 'stderr') stderr = true;
    if (event === undefined || event === 'stderr') continue;
    at += event.interval;
    yield { at, code: event.code, data: event.data, stderr };
    stderr = false;
  }
}

function parse(line: string, where: string): ReturnType<typeof parseLine> {
  try {
    return parseLine(line);
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_RECORDING_UNREADABLE', `${where} is no event.`, { cause });
  }
}

/** A recording as a list shows it. */
export interface RecordingSummary {
  readonly name: string;
  readonly bytes: number;
  /** Undefined: the file cannot be read, or others made it. */
  readonly header: CastHeader | undefined;
  /** As the chain has it; undefined without one. */
  readonly durationUs: number | undefined;
  /** The chain has an end. Only a check tells whether the file is what was written. */
  readonly finished: boolean;
}

/** The recordings of a folder, oldest first. Throws `ERR_RSTREAM_RECORDING_DIRECTORY`. */
export async function listRecordings(directory: string): Promise<RecordingSummary[]> {
  const summaries: RecordingSummary[] = [];
  for (const name of (await namesIn(directory)).filter(isRecordingName).sort()) {
    const path = join(directory, name);
    const stats = await lstat(path);
    if (!stats.isFile()) continue;
    const last = (await readChainEnds(path))?.last;
    summaries.push({ name, bytes: stats.size, header: await headerOf(path), durationUs: last?.us, finished: last?.final === true });
  }
  return summaries;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new RstreamError('ERR_RSTREAM_RECORDING_DIRECTORY', `${directory} cannot be read (${reason}).`, { cause });
  }
}

async function headerOf(path: string): Promise<CastHeader | undefined> {
  try {
    const { header, events } = await readRecording(path);
    await events.return(undefined);
    return header;
  } catch (error) {
    if (RstreamError.is(error)) return undefined;
    throw error;
  }
}
