import { RstreamError } from '@rstream/protocol';

const LF = 10;
const CR = 13;

/**
 * Collects the bytes of one request head from any chunking, within a bound, and refuses early what cannot become a head:
 * a byte that no method contains, a line that ends with a bare LF.
 */
export class HeadReader {
  readonly #maxBytes: number;
  #pending: Buffer | undefined;
  #checked = 0;

  /** @param maxBytes `edgeLimits.headBytes` */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True when part of a head has been read. */
  get started(): boolean {
    return this.#pending !== undefined;
  }

  /**
   * Takes bytes from `offset` on.
   *
   * @returns the head (with its empty line) and the offset in `chunk` where it ends, or undefined when more bytes are needed
   * @throws RstreamError `INVALID_REQUEST`, `HEADERS_TOO_LARGE`
   */
  push(chunk: Buffer, offset: number): { head: Buffer; end: number } | undefined {
    const before = this.#pending?.length ?? 0;
    // A head is at most 32 KiB, nearly always in one chunk: joining is rare and bounded.
    const rest = offset === 0 ? chunk : chunk.subarray(offset);
    const joined = this.#pending === undefined ? rest : Buffer.concat([this.#pending, rest.subarray(0, this.#maxBytes + 4 - before)]);
    const start = leadingBlankLine(joined);
    const end = joined.indexOf('\r\n\r\n', Math.max(start, this.#checked - 3), 'latin1');
    const length = end === -1 ? joined.length : end + 4;
    if (length > this.#maxBytes) throw new RstreamError('HEADERS_TOO_LARGE');
    this.#refuseGarbage(joined, start, length);
    if (end === -1) {
      this.#pending = joined;
      this.#checked = joined.length;
      return undefined;
    }
    this.#pending = undefined;
    this.#checked = 0;
    return { head: joined.subarray(start, length), end: offset + length - before };
  }

  /** The bytes of an unfinished head. */
  take(): Buffer {
    const bytes = this.#pending ?? Buffer.alloc(0);
    this.#pending = undefined;
    this.#checked = 0;
    return bytes;
  }

  #refuseGarbage(joined: Buffer, start: number, length: number): void {
    const first = joined[start];
    if (start < length && first !== undefined && first !== CR && !isMethodByte(first)) throw malformed('The request line is malformed.');
    for (let at = joined.indexOf(LF, this.#checked); at !== -1 && at < length; at = joined.indexOf(LF, at + 1)) {
      if (at === 0 || joined[at - 1] !== CR) throw malformed('Lines end with CR LF.');
    }
  }
}

const malformed = (message: string): RstreamError => new RstreamError('INVALID_REQUEST', message);

/** RFC 9112 §2.2: one empty line before the request line is ignored. */
function leadingBlankLine(bytes: Buffer): number {
  return bytes[0] === CR && bytes[1] === LF ? 2 : 0;
}

function isMethodByte(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || (byte > 0x20 && byte < 0x7f && byte !== 0x3a);
}
