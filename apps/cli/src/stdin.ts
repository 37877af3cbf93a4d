import { addAbortSignal } from 'node:stream';
import { parseToken } from '@rstream/config';
import { limits } from '@rstream/protocol/limits';
import { usage } from './option.ts';

/** Reads a token that is piped in; a terminal is refused, because what is typed there stays on the screen. */
export async function readTokenFromStdin(signal: AbortSignal): Promise<string> {
  if (process.stdin.isTTY)
    throw usage('The token must be piped in, not typed.', 'For example: rstream context create home --token-stdin < owner.token');
  let text = '';
  for await (const chunk of addAbortSignal(signal, process.stdin.setEncoding('utf8'))) {
    text += String(chunk);
    if (text.length > limits.config.tokenBytes.default) break;
  }
  return parseToken(text, 'stdin');
}
