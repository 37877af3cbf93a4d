import { RstreamError } from '@rstream/protocol';
import { scannerFor, type BodyLimits, type BodyScanner } from './body.ts';

/** What the tracker must know of a forwarded request to frame its response. */
export interface Exchange {
  readonly method: string;
  /** The request asked to change protocols. */
  readonly upgrade: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |\r|$)/;
// Only these three fields say where a response ends. The name must follow a line end, so a value cannot pose as a field.
const FRAMING_FIELDS = /\r\n(content-length|transfer-encoding|connection)[ \t]*:[ \t]*([^\r\n]*)/gi;

type State = 'head' | 'body' | 'until-close';

/**
 * Follows responses as they pass through unchanged, so that the edge knows whether a request has been answered: only then may
 * it answer by itself, refuse a later request in order, or switch to raw bytes. A response that cannot be framed is passed on until the
 * service closes, and the connection takes no further request.
 */
export class ResponseTracker {
  /** Status of the last response head. */
  status = 0;
  /** The connection must end after the current response. */
  closing = false;
  /** A 101 answered an upgrade: everything after it is raw. */
  switched = false;
  readonly #limits: BodyLimits & { readonly responseHeadBytes: number };
  #state: State = 'head';
  #partial: Buffer | undefined;
  #scanner: BodyScanner | undefined;

  constructor(limits: BodyLimits & { readonly responseHeadBytes: number }) {
    this.#limits = limits;
  }

  /** No byte of the next final response has passed. */
  get atBoundary(): boolean {
    return this.#state === 'head' && this.#partial === undefined;
  }

  /** The current response is delimited by the end of the stream. */
  get endsWithStream(): boolean {
    return this.#state === 'until-close';
  }

  /**
   * Looks at bytes of the service, which the caller then passes on whole.
   *
   * @param waiting requests without a complete response, oldest first; the answered ones are removed
   * @throws RstreamError `INVALID_STREAM` for bytes that answer no request or are not HTTP
   */
  scan(chunk: Buffer, waiting: Exchange[]): void {
    let at = 0;
    while (at < chunk.length && !this.switched && this.#state !== 'until-close') {
      if (this.#state === 'body') at = this.#body(chunk, at, waiting);
      else at = this.#head(chunk, at, waiting);
    }
  }

  #head(chunk: Buffer, at: number, waiting: Exchange[]): number {
    const exchange = waiting[0];
    if (exchange === undefined) throw new RstreamError('INVALID_STREAM', 'The service sent bytes that answer no request.');
    const before = this.#partial?.length ?? 0;
    const rest = at === 0 ? chunk : chunk.subarray(at);
    const joined = this.#partial === undefined ? rest : Buffer.concat([this.#partial, rest]);
    const end = joined.indexOf('\r\n\r\n', Math.max(0, before - 3), 'latin1');
    if (end > this.#limits.responseHeadBytes || (end === -1 && joined.length > this.#limits.responseHeadBytes)) {
      throw new RstreamError('INVALID_STREAM', 'The service sent a response head that is too large.');
    }
    if (end === -1) {
      this.#partial = joined;
      return chunk.length;
    }
    this.#partial = undefined;
    this.#begin(joined.toString('latin1', 0, end), exchange, waiting);
    return at + end + 4 - before;
  }

  #begin(head: string, exchange: Exchange, waiting: Exchange[]): void {
    const line = STATUS_LINE.exec(head);
    if (line === null) throw new RstreamError('INVALID_STREAM', 'The service did not answer with HTTP/1.1.');
    const status = Number(line[2]);
    this.status = status;
    if (status === 101) {
      if (!exchange.upgrade) throw new RstreamError('INVALID_STREAM', 'The service switched protocols without being asked.');
      this.switched = true;
      return;
    }
    if (status < 200) return;
    const framing = framingFields(head);
    if (framing.close || (line[1] === '0' && !framing.keepAlive)) this.closing = true;
    if (exchange.method === 'HEAD' || status === 204 || status === 304 || framing.length === 0) {
      waiting.shift();
      return;
    }
    this.#startBody(framing);
  }

  #startBody(framing: FramingFields): void {
    if (framing.chunked) {
      this.#scanner = scannerFor({ kind: 'chunked' }, this.#limits);
      this.#state = 'body';
    } else if (framing.length !== undefined) {
      this.#scanner = scannerFor({ kind: 'length', length: framing.length }, this.#limits);
      this.#state = 'body';
    } else {
      this.closing = true;
      this.#state = 'until-close';
    }
  }

  #body(chunk: Buffer, at: number, waiting: Exchange[]): number {
    const scanner = this.#scanner;
    if (scanner === undefined) return chunk.length;
    try {
      const end = scanner.scan(chunk, at);
      if (scanner.done) {
        this.#scanner = undefined;
        this.#state = 'head';
        waiting.shift();
      }
      return end;
    } catch {
      this.closing = true;
      this.#state = 'until-close';
      return chunk.length;
    }
  }
}

interface FramingFields {
  length: number | undefined;
  chunked: boolean;
  close: boolean;
  keepAlive: boolean;
}

function framingFields(head: string): FramingFields {
  const found: FramingFields = { length: undefined, chunked: false, close: false, keepAlive: false };
  let lengths = 0;
  let codings = 0;
  for (const [, name = '', value = ''] of head.matchAll(FRAMING_FIELDS)) {
    switch (name.toLowerCase()) {
      case 'content-length':
        lengths += 1;
        found.length = /^\d{1,15}[ \t]*$/.test(value) ? Number(value) : undefined;
        break;
      case 'transfer-encoding':
        codings += 1;
        found.chunked = /^chunked[ \t]*$/i.test(value);
        break;
      default:
        if (/(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(value)) found.close = true;
        if (/(?:^|,)[ \t]*keep-alive[ \t]*(?:,|$)/i.test(value)) found.keepAlive = true;
    }
  }
  // Two readings are possible: pass it on, but let nothing follow it on this connection.
  if (lengths > 1 || codings > 1 || (codings > 0 && lengths > 0)) {
    found.length = undefined;
    found.chunked = false;
  } else if (codings > 0 && !found.chunked) {
    found.length = undefined;
  }
  return found;
}
