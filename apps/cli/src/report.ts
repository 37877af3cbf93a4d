import { styleText } from 'node:util';
import type { RstreamError } from '@rstream/protocol';

/** True when the arguments ask for JSON output; read from the raw arguments, because they may be what is wrong. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  return own.some((argument, index) => {
    if (argument === '-o' || argument === '--output') return own[index + 1] === 'json';
    return argument === '-ojson' || argument === '--output=json';
  });
}

/**
 * Prints an error on stderr: `{code, message, next}` with JSON, else a line with code and sentence and a line with the next step.
 * @param cause shown with its stack when RSTREAM_DEBUG is set and the error is one that we did not expect
 */
export function printError(error: RstreamError, { json, cause }: { json: boolean; cause?: unknown }): void {
  if (json) {
    process.stderr.write(`${JSON.stringify(error)}\n`);
  } else {
    const head = styleText(['red', 'bold'], `error ${error.code}`, { stream: process.stderr });
    process.stderr.write(`${head}: ${error.message}\n  next: ${error.next}\n`);
  }
  if (cause instanceof Error && process.env['RSTREAM_DEBUG'] !== undefined) process.stderr.write(`${cause.stack ?? ''}\n`);
}
