export type { ErrorEntry } from './entry.ts';
export { RstreamError, errorEntry, errorFromReport, toRstreamError, type ErrorCode, type ErrorOptions, type ErrorReport } from './error.ts';
export { localErrors, type LocalErrorCode } from './local.ts';
export { nextWhenUnreachable } from './unreachable.ts';
export { wireErrors, type WireErrorCode } from './wire.ts';
