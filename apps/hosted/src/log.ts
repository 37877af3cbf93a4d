import { pino, type DestinationStream, type Logger } from 'pino';
import { RstreamError } from '@rstream/protocol';
import type { HostedConfig } from './config/schema.ts';

export type { Logger } from 'pino';

const STDERR = 2;
/** Log bytes that wait for a reader of standard error that is slow; more are dropped, because the log must not stop the process. */
const MAX_BUFFERED = 8_388_608;
const FLUSH_MS = 500;
const BEARER = /\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g;

/** Removes what looks like a token from text, for words that come from outside (a system's error message, a user agent). */
export const redactTokens = (text: string): string => text.replace(BEARER, '[token]');

interface LoggedError {
  readonly code: string;
  readonly message: string;
  readonly next?: string;
  readonly cause?: LoggedError;
  readonly stack?: string;
}

function logError(error: unknown): LoggedError {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: redactTokens(String(error)) };
  const known = RstreamError.is(error);
  const code = known ? error.code : 'code' in error ? String(error.code) : error.name;
  return {
    code,
    message: redactTokens(error.message),
    ...(known ? { next: redactTokens(error.next) } : { stack: redactTokens(error.stack ?? '') }),
    ...(error.cause === undefined ? {} : { cause: logError(error.cause) }),
  };
}

/** JSON lines on standard error. No field may hold a token; the redaction is a second net, not the first. */
export function createLogger(level: HostedConfig['logLevel'], destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: logError, error: logError },
    redact: {
      paths: ['token', 'authorization', 'cookie', 'headers', 'query', '*.token', '*.authorization', '*.cookie'],
      censor: '[redacted]',
    },
  };
  return pino(options, destination ?? pino.destination({ dest: STDERR, sync: false, maxLength: MAX_BUFFERED }));
}

/** Waits until everything logged so far is written, or for half a second. */
export function flushLog(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FLUSH_MS);
    logger.flush(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
