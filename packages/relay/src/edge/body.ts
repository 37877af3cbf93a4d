import { RstreamError } from '@rstream/protocol';
import type { BodyFraming } from './head.ts';

/** Bounds of a chunked body; the defaults are in `edgeLimits`. */
export interface BodyLimits {
  readonly chunkLineBytes: number;
  readonly chunkExtensionBytes: number;
  readonly trailerBytes: number;
}

/** Finds where a message body ends while its bytes pass through untouched. */
export interface BodyScanner {
  readonly done: boolean;
  /**
   * Looks at `chunk` from `offset` on.
   *
   * @returns the offset of the first byte that is not of this body (`chunk.length` when all are)
   * @throws RstreamError `INVALID_REQUEST` when the framing is broken
   */
  scan(chunk: Buffer, offset: number): number;
}

/** The scanner for a framing; none is needed when there is no body. */
export function scannerFor(framing: BodyFraming, limits: BodyLimits): BodyScanner | undefined {
  if (framing.kind === 'none') return undefined;
  return framing.kind === 'length' ? new LengthScanner(framing.length) : new ChunkedScanner(limits);
}

class LengthScanner implements BodyScanner {
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  scan(chunk: Buffer, offset: number): number {
    const taken = Math.min(this.#left, chunk.length - offset);
    this.#left -= taken;
    return offset + taken;
  }
}

const CR = 13;
const LF = 10;
const SEMICOLON = 59;

const broken = (message: string): RstreamError => new RstreamError('INVALID_REQUEST', message);

type ChunkState = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'trailer-lf' | 'done';

/** Trailer fields that would change what the message means (RFC 9110 §6.5.1). */
const FORBIDDEN_TRAILERS =
  /^(?:transfer-encoding|content-length|content-encoding|content-type|content-range|host|connection|authorization|cookie|te|trailer|upgrade|expect|x-forwarded-.*)$/;
const TRAILER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t\x20-\x7e\x80-\xff]*$/;

/** RFC 9112 §7.1, strict: CR LF only, size digits first, extensions and trailers bounded. */
class ChunkedScanner implements BodyScanner {
  readonly #limits: BodyLimits;
  #state: ChunkState = 'size';
  #size = 0;
  #digits = 0;
  #extension = 0;
  #extensions = 0;
  #trailerBytes = 0;
  #line = '';

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  scan(chunk: Buffer, offset: number): number {
    let at = offset;
    while (at < chunk.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const taken = Math.min(this.#size, chunk.length - at);
        this.#size -= taken;
        at += taken;
        if (this.#size === 0) this.#state = 'data-cr';
      } else {
        this.#step(chunk[at] ?? 0);
        at += 1;
      }
    }
    return at;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case 'size':
        return this.#sizeByte(byte);
      case 'extension':
        return this.#extensionByte(byte);
      case 'size-lf':
        expectByte(byte, LF);
        this.#state = this.#size === 0 ? 'trailer' : 'data';
        return undefined;
      case 'data-cr':
        expectByte(byte, CR);
        this.#state = 'data-lf';
        return undefined;
      case 'data-lf':
        expectByte(byte, LF);
        this.#digits = 0;
        this.#state = 'size';
        return undefined;
      case 'trailer':
        return this.#trailerByte(byte);
      case 'trailer-lf':
        expectByte(byte, LF);
        return this.#trailerLine();
      case 'data':
      case 'done':
        return undefined;
    }
  }

  #sizeByte(byte: number): void {
    const digit = hexDigit(byte);
    if (digit !== -1) {
      this.#size = this.#size * 16 + digit;
      this.#digits += 1;
      // 13 hex digits stay below 2^53, where a number still counts bytes exactly.
      if (this.#digits > 13) throw broken('A body chunk is too large.');
      return;
    }
    if (this.#digits === 0) throw broken('A body chunk has no size.');
    this.#extension = 0;
    if (byte === CR) this.#state = 'size-lf';
    else if (byte === SEMICOLON) this.#state = 'extension';
    else throw broken('A chunk size is malformed.');
  }

  #extensionByte(byte: number): void {
    if (byte === CR) {
      this.#state = 'size-lf';
      return;
    }
    if (byte === LF || byte === 0) throw broken('A chunk extension is malformed.');
    this.#extension += 1;
    this.#extensions += 1;
    if (this.#extension > this.#limits.chunkLineBytes || this.#extensions > this.#limits.chunkExtensionBytes) {
      throw broken('The chunk extensions are too large.');
    }
  }

  #trailerByte(byte: number): void {
    if (byte === CR) {
      this.#state = 'trailer-lf';
      return;
    }
    if (byte === LF) throw broken('Lines end with CR LF.');
    this.#trailerBytes += 1;
    if (this.#trailerBytes > this.#limits.trailerBytes) throw new RstreamError('HEADERS_TOO_LARGE', 'The trailers are too large.');
    this.#line += String.fromCharCode(byte);
  }

  #trailerLine(): void {
    const line = this.#line;
    this.#line = '';
    if (line === '') {
      this.#state = 'done';
      return;
    }
    const name = TRAILER_LINE.exec(line)?.[1]?.toLowerCase().replaceAll('_', '-');
    if (name === undefined || FORBIDDEN_TRAILERS.test(name)) throw broken('A trailer field is not allowed.');
    this.#state = 'trailer';
  }
}

function expectByte(byte: number, expected: number): void {
  if (byte !== expected) throw broken('The chunked body is malformed.');
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
