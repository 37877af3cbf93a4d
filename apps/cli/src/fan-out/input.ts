import { limits } from '@rstream/protocol/limits';
import { usage } from '../option.ts';

/** All of stdin, to be sent to several devices. @throws RstreamError `ERR_RSTREAM_USAGE` when it is too long for that */
export async function wholeInput(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const longest = limits.webtty.fanOutInput.default;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.byteLength;
    if (bytes > longest) throw usage(`Stdin for several devices can have ${longest} bytes at most.`, 'Copy a file to each of them first.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
