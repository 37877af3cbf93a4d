import { limits } from '@rstream/protocol';

/** Bytes `start` to `end`, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const spec = /^(\d{0,16})-(\d{0,16})$/;

/**
 * Ranges of a `Range` header over `size` bytes (RFC 9110 §14): undefined to send the whole file (another unit, bad syntax, too many),
 * an empty list when none can be satisfied. Ranges that overlap or touch are joined, so that an answer is never larger than the file
 * by more than its part headers.
 */
export function parseRanges(header: string | undefined, size: number): ByteRange[] | undefined {
  const [, list] = /^bytes=(.*)$/i.exec(header ?? '') ?? [];
  if (list === undefined) return undefined;
  const parts = list.split(',').map((part) => part.trim());
  if (parts.length > limits.webdav.ranges.default) return undefined;
  const ranges: ByteRange[] = [];
  for (const part of parts) {
    const [, first = '', last = ''] = spec.exec(part) ?? [];
    if (first === '' && last === '') return undefined;
    if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
    const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
    const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
    if (start < size && start <= end) ranges.push({ start, end });
  }
  return join(ranges);
}

function join(ranges: readonly ByteRange[]): ByteRange[] {
  const joined: ByteRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const before = joined.at(-1);
    if (before !== undefined && range.start <= before.end + 1)
      joined[joined.length - 1] = { start: before.start, end: Math.max(before.end, range.end) };
    else joined.push(range);
  }
  return joined;
}
