import { basename, dirname, join } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { byteLines } from './byte-lines.ts';
import { parseHeader, parseLine, type CastHeader } from './cast.ts';
import { readChainEnds } from './chain-file.ts';
import { chainStart, nextHash, parseCheckpoint, parseStart, type Checkpoint } from './chain.ts';
import { chainPath } from './directory.ts';

/**
 * `intact`: every byte is what was written, and nothing is missing. `changed`: not what was written. `cut`: the end, or the next
 * file, is missing. `unfinished`: as far as the chain goes all is well, but it has no end: the agent died, or is still writing.
 */
export type RecordingState = 'intact' | 'changed' | 'cut' | 'unfinished';

/** What a check found. */
export interface Verification {
  readonly state: RecordingState;
  /** One sentence. */
  readonly reason: string;
  /** Lines between two checkpoints that hold the first change, counted from 1. */
  readonly lines?: { readonly from: number; readonly to: number } | undefined;
}

/**
 * Checks a recording against its hash chain. It proves that a file was changed, cut or swapped by someone who did not write the
 * chain anew: whoever can write both files can make a pair that is intact. For more, keep the last hash elsewhere.
 */
export async function verifyRecording(path: string): Promise<Verification> {
  const lines = byteLines(path);
  const chain = byteLines(chainPath(path));
  try {
    const content = await checkContent(lines, chain);
    return 'state' in content ? content : await checkLinks(path, content);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return changed('The recording or its chain is missing.');
    if (RstreamError.is(error) && error.code === 'ERR_RSTREAM_RECORDING_UNREADABLE') return changed(error.message);
    throw error;
  } finally {
    await Promise.allSettled([lines.return(undefined), chain.return(undefined)]);
  }
}

const changed = (reason: string, lines?: Verification['lines']): Verification => ({ state: 'changed', reason, lines });

/** A file that agrees with its own chain. */
interface Content {
  readonly start: string;
  readonly header: CastHeader | undefined;
  readonly end: Checkpoint;
}

async function checkContent(lines: AsyncGenerator<Buffer>, chain: AsyncGenerator<Buffer>): Promise<Content | Verification> {
  const start = parseStart(await nextLine(chain));
  if (start === undefined) return changed('The chain does not begin as it was written.');
  let header: CastHeader | undefined;
  let at: Checkpoint = { offset: 0, count: 0, us: 0, hash: start };
  for (let number = 2; ; number += 1) {
    const line = await nextLine(chain);
    if (!line.endsWith('\n')) return unfinished(at, await countRest(lines));
    const expected = parseCheckpoint(line);
    if (expected === undefined) return changed(`Line ${number} of the chain is not as it was written.`);
    const from = at.count + 1;
    while (at.count < expected.count) {
      const { value: bytes } = await lines.next();
      if (bytes === undefined)
        return { state: 'cut', reason: `The recording ends after line ${at.count}; ${expected.count} were written.` };
      const text = bytes.toString();
      if (at.count === 0) header = parseHeader(text);
      at = { offset: at.offset + bytes.length, count: at.count + 1, us: at.us + intervalOf(text), hash: nextHash(at.hash, bytes) };
    }
    const to = expected.count;
    if (!isSame(at, expected))
      return changed(from >= to ? `Line ${to} was changed.` : `One of the lines ${from} to ${to} was changed.`, { from, to });
    if (expected.final !== true) continue;
    if ((await countRest(lines)) > 0) return changed(`Lines were added after line ${to}.`, { from: to + 1, to: to + 1 });
    if ((await nextLine(chain)) !== '') return changed('Lines were added to the chain after its end.');
    return { start, header, end: expected };
  }
}

async function nextLine(chain: AsyncGenerator<Buffer>): Promise<string> {
  const { value } = await chain.next();
  return value === undefined ? '' : value.toString('latin1');
}

async function countRest(lines: AsyncGenerator<Buffer>): Promise<number> {
  let count = 0;
  for await (const _line of lines) count += 1;
  return count;
}

function unfinished({ count }: Checkpoint, more: number): Verification {
  const rest = more === 0 ? '' : ` ${more} lines after that are not covered.`;
  return { state: 'unfinished', reason: `All is well up to line ${count}, but the chain has no end.${rest}` };
}

/** A line that is no event is one that was changed: its hash says so. */
function intervalOf(line: string): number {
  try {
    const event = parseLine(line.trimEnd());
    return typeof event === 'object' ? event.interval : 0;
  } catch {
    return 0;
  }
}

const isSame = (a: Checkpoint, b: Checkpoint): boolean =>
  a.offset === b.offset && a.count === b.count && a.us === b.us && a.hash === b.hash;

/** The files of one session hold on to each other in both directions. An earlier one may be gone: the oldest are removed first. */
async function checkLinks(path: string, { start, header, end }: Content): Promise<Verification> {
  const previous = header?.rstream?.previous;
  if (start !== (previous?.hash ?? chainStart)) return changed('The chain does not begin where the recording says.');
  if (previous !== undefined) {
    const before = await readChainEnds(beside(path, previous.file));
    if (before !== undefined && (before.last?.hash !== start || before.last.next !== basename(path))) {
      return changed(`${previous.file}, which is before it, does not lead here.`);
    }
  }
  if (end.next !== undefined) {
    const after = await readChainEnds(beside(path, end.next));
    if (after === undefined) return { state: 'cut', reason: `The session goes on in ${end.next}, which is missing.` };
    if (after.start !== end.hash) return changed(`${end.next}, in which the session goes on, does not continue it.`);
  }
  return { state: 'intact', reason: `${end.count} lines are as they were written.` };
}

/** Names come from a file that anyone may have written: never another folder. */
const beside = (path: string, name: string): string => join(dirname(path), basename(name));
