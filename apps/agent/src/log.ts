import { pino, type DestinationStream, type Logger } from 'pino';
import { RstreamError } from '@rstream/protocol';

export type { Logger } from 'pino';

const STDERR = 2;

function logError(error: unknown): object | undefined {
  if (error === undefined) return undefined;
  if (RstreamError.is(error)) return { ...error.toJSON(), ...(error.cause === undefined ? {} : { cause: logError(error.cause) }) };
  return { message: error instanceof Error ? error.message : typeof error === 'string' ? error : 'unknown error' };
}

/** JSON lines on standard error: standard output is for status events. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: logError },
    redact: { paths: ['token', 'authorization', '*.token', '*.authorization'], censor: '[redacted]' },
  };
  return pino(options, destination ?? pino.destination({ dest: STDERR, sync: true }));
}
