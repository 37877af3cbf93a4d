import { createReadStream } from 'node:fs';
import { limits, RstreamError } from '@rstream/protocol';

const lineFeed = 0x0a;

/** The lines of a file as bytes, each with its line feed; only the last may lack it. Throws for a line beyond `recordingLine`. */
export async function* byteLines(path: string): AsyncGenerator<Buffer> {
  const limit = limits.webtty.recordingLine.default;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, start)) {
      yield bytes.subarray(start, end + 1);
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > limit) throw new RstreamError('ERR_RSTREAM_RECORDING_UNREADABLE', `${path}: a line is longer than ${limit} bytes.`);
  }
  if (rest.length > 0) yield rest;
}
