import { RstreamError } from '@rstream/protocol';
import { splice } from '@rstream/tunnel-core';
import { Duplex } from 'node:stream';
import { defineCommand } from '../command.ts';
import { duration } from '../option.ts';
import { withOperator } from '../operator/with-operator.ts';

const OPEN_TIMEOUT_MS = 10_000;

export const command = defineCommand({
  summary: 'connect stdin and stdout to a private tunnel',
  description: 'The end of stdin is passed on; output is read until the other end closes.',
  arguments: [{ name: '<target>', about: 'rstrm://NAME, or the id of a tunnel' }],
  options: { timeout: duration('--timeout <time>', 'wait this long for the connection (10s)') },
  examples: ['rstream netcat rstrm://db', "ssh -o ProxyCommand='rstream netcat rstrm://ssh-pi' pi"],
  async run({ args: [target = ''], options, globals, signal }) {
    const timeoutMs = options.timeout ?? OPEN_TIMEOUT_MS;
    return withOperator(globals, async (operator) => {
      const deadline = AbortSignal.timeout(timeoutMs);
      const stream = await operator.dial(target, { signal: AbortSignal.any([signal, deadline]) }).catch((error: unknown) => {
        if (!deadline.aborted) throw error;
        throw new RstreamError('ERR_RSTREAM_TIMEOUT', `${target} did not answer within ${timeoutMs} ms.`, { cause: error });
      });
      const { error } = await splice(standardStreams(), stream, { signal });
      if (error !== undefined) throw error;
    });
  },
});

/** stdin and stdout as one stream with independent ends. */
function standardStreams(): Duplex {
  return Duplex.from({ readable: process.stdin, writable: process.stdout });
}
