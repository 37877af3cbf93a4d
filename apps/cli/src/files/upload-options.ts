import { createHash } from 'node:crypto';
import { RstreamError } from '@rstream/protocol';
import { pathOf } from './path.ts';
import { statusOf } from './status-error.ts';

export interface UploadOptions {
  readonly signal?: AbortSignal | undefined;
  /** True: replace what is there. An ETag: replace that state of it and no other. Default: replace nothing. */
  readonly replace?: boolean | string;
  /** Follow a link given as the source; default true. */
  readonly followLink?: boolean;
  onProgress?(done: number, total: number): void;
  readonly patienceMs?: number | undefined;
}

export interface Uploaded {
  readonly bytes: number;
  /** Bytes that an earlier run had left on the device. */
  readonly resumed: number;
}

/** What the server must find for the upload to take place. */
export function conditions(replace: UploadOptions['replace']): Record<string, string> {
  if (replace === true) return {};
  return typeof replace === 'string' ? { 'if-match': replace } : { 'if-none-match': '*' };
}

/** A refused condition, in the words of who asked for it. */
export function explain(error: unknown, segments: readonly string[], replace: UploadOptions['replace']): unknown {
  const path = pathOf(segments);
  const status = statusOf(error);
  if (status === 412 && replace !== true && typeof replace !== 'string')
    return new RstreamError('ERR_RSTREAM_FILE_EXISTS', `${path} exists on the device.`, { cause: error });
  if (status === 400 && RstreamError.is(error) && error.message.includes('checksum'))
    return new RstreamError('ERR_RSTREAM_FILE_DAMAGED', `${path}: the file changed while it was read, or was damaged on its way.`, {
      cause: error,
    });
  return error;
}

/** Name of the upload of one source to one target: the same in the next run. */
export function uploadName(identity: string, segments: readonly string[]): string {
  const digest = createHash('sha256')
    .update(`${identity}\0${pathOf(segments)}`)
    .digest('hex');
  return `.rstream-upload-${digest.slice(0, 24)}`;
}
