import type { IncomingMessage } from 'node:http';
import { RstreamError, type ErrorCode } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import { printable } from '../output.ts';
import { textOf } from './http.ts';

const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'ERR_RSTREAM_FILE_NAME',
  401: 'UNAUTHORIZED',
  403: 'ERR_RSTREAM_FILE_FORBIDDEN',
  404: 'ERR_RSTREAM_FILE_NOT_FOUND',
  405: 'ERR_RSTREAM_FILE_KIND',
  409: 'ERR_RSTREAM_FILE_CONFLICT',
  412: 'ERR_RSTREAM_FILE_CHANGED',
  413: 'ERR_RSTREAM_FILE_TOO_LARGE',
  414: 'ERR_RSTREAM_FILE_NAME',
  423: 'ERR_RSTREAM_FILE_LOCKED',
  507: 'ERR_RSTREAM_FILE_DISK_FULL',
};

/** Statuses that say no more than that it may work a little later. */
export const isPassing = (status: number): boolean => [408, 425, 429, 500, 502, 503, 504].includes(status);

/** Status of the answer that an error stands for. */
export const statusOf = (error: unknown): number | undefined => {
  const status = RstreamError.is(error) ? error.details?.['status'] : undefined;
  return typeof status === 'number' ? status : undefined;
};

/** The error that an answer with a status of 400 or more stands for; reads what it says about itself. */
export async function statusError(answer: IncomingMessage, method: string, path: string): Promise<RstreamError> {
  const status = answer.statusCode ?? 0;
  const body = await textOf(answer, limits.files.failureBytes.default).catch(() => '');
  const code = codes[status] ?? 'ERR_RSTREAM_FILE_STATUS';
  return new RstreamError(code, `${method} ${printable(path)}: ${sentenceOf(body, status)}`, { details: { status, path } });
}

/** The first line of a text, or the condition that an XML answer names. */
function sentenceOf(body: string, status: number): string {
  const condition = /<D:error[^>]*>\s*<(?:\w+:)?([\w-]+)/.exec(body)?.[1];
  const line = condition ?? (body.startsWith('<') ? '' : (body.split('\n')[0] ?? ''));
  return printable(line.slice(0, 200)) || `the device answered ${status}.`;
}
