import { createHash } from 'node:crypto';

/** Where the chain of a first file begins. A later file begins with the last hash of the one before it. */
export const chainStart = '0'.repeat(64);

/** A place in a recording up to which the chain vouches for it. */
export interface Checkpoint {
  readonly offset: number;
  /** Lines before `offset`. */
  readonly count: number;
  /** Sum of the intervals before `offset`, in µs. */
  readonly us: number;
  readonly hash: string;
  /** The recording ends here, and not because it was cut. */
  readonly final?: true | undefined;
  /** The file in which the session goes on; only with `final`. */
  readonly next?: string | undefined;
}

/** The hash after one more line, its line feed included. */
export function nextHash(hash: string, line: string | Uint8Array): string {
  return createHash('sha256').update(Buffer.from(hash, 'hex')).update(line).digest('hex');
}

/** First line of a sidecar. */
export const encodeStart = (start: string): string => `${JSON.stringify({ rstream_chain: 1, start })}\n`;

export function encodeCheckpoint({ offset, count, us, hash, final, next }: Checkpoint): string {
  return `${JSON.stringify({ offset, count, us, hash, final, next })}\n`;
}

/** The start that the first line names; undefined when it is not exactly what {@link encodeStart} writes. */
export function parseStart(line: string): string | undefined {
  const start = field(line, 'start');
  return isHash(start) && encodeStart(start) === line ? start : undefined;
}

/** Undefined when the line is not, to the byte, what {@link encodeCheckpoint} writes. */
export function parseCheckpoint(line: string): Checkpoint | undefined {
  const [offset, count, us, hash, next] = ['offset', 'count', 'us', 'hash', 'next'].map((name) => field(line, name));
  if (!isCount(offset) || !isCount(count) || !isCount(us) || !isHash(hash)) return undefined;
  const final = field(line, 'final') === true ? true : undefined;
  const checkpoint: Checkpoint = { offset, count, us, hash, final, next: typeof next === 'string' ? next : undefined };
  return encodeCheckpoint(checkpoint) === line && (final === true || checkpoint.next === undefined) ? checkpoint : undefined;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

function field(line: string, name: string): unknown {
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === 'object' && record !== null ? (record as Readonly<Record<string, unknown>>)[name] : undefined;
  } catch {
    return undefined;
  }
}
