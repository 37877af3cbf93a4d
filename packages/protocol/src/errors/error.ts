import type { ErrorEntry } from './entry.ts';
import { localErrors, type LocalErrorCode } from './local.ts';
import { wireErrors, type WireErrorCode } from './wire.ts';

/** Every stable code that rstream can report: what crosses a wire, and what stays in one process. */
export type ErrorCode = WireErrorCode | LocalErrorCode;

export interface ErrorOptions {
  /** What to do next; the code's own row is used when absent. */
  readonly next?: string;
  readonly cause?: unknown;
  /** Extra facts for a program. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The shape in which an error is printed, logged, sent in a control message or returned by a tool. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

const brand = Symbol.for('@rstream/error');
const rows: Readonly<Record<string, ErrorEntry>> = { ...wireErrors, ...localErrors };

/** The row of a code; unknown codes read as `INTERNAL`. */
export function errorEntry(code: string): ErrorEntry {
  return (Object.hasOwn(rows, code) ? rows[code] : undefined) ?? wireErrors.INTERNAL;
}

/** An error with a stable `code`, a sentence, a next step and a cause. The only error class that rstream throws on purpose. */
export class RstreamError extends Error {
  readonly code: ErrorCode;
  readonly next: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly [brand] = true;

  constructor(code: ErrorCode, message?: string, options: ErrorOptions = {}) {
    const entry = errorEntry(code);
    super(message ?? entry.about, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RstreamError';
    this.code = code;
    this.next = options.next ?? entry.next;
    this.details = options.details;
  }

  /** HTTP status for this error, 500 when its row names none. */
  get status(): number {
    return errorEntry(this.code).status ?? 500;
  }

  /** True for any rstream error, also one made by another copy of this package. */
  static is(value: unknown): value is RstreamError {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
  }

  toJSON(): ErrorReport {
    return {
      code: this.code,
      message: this.message,
      next: this.next,
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** Rebuilds an error that a peer sent. A code that this version does not know becomes `INTERNAL` and keeps the peer's words. */
export function errorFromReport(report: { code: string; message: string; next?: string | undefined }): RstreamError {
  const known = Object.hasOwn(rows, report.code);
  return new RstreamError(known ? (report.code as ErrorCode) : 'INTERNAL', report.message, {
    ...(report.next === undefined ? {} : { next: report.next }),
    ...(known ? {} : { details: { peerCode: report.code } }),
  });
}

/** Any thrown value as an `RstreamError`: itself when it is one, else wrapped under `code` with the value as cause. */
export function toRstreamError(value: unknown, code: ErrorCode = 'INTERNAL'): RstreamError {
  if (RstreamError.is(value)) return value;
  const message = value instanceof Error && value.message !== '' ? value.message : undefined;
  return new RstreamError(code, message, { cause: value });
}
