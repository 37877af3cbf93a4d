import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { FileHashAlgorithm, type FileHash } from '@rstream/protocol/files';
import { sendText } from '../answer.ts';
import { entryOf, openFile } from '../entry.ts';
import { Failure } from '../failure.ts';
import { chunksOf } from '../file-chunks.ts';
import { wordIn } from './parameters.ts';
import type { Query } from './question.ts';

/** `?rstream=hash`: the digest of a file in one state of it. */
export async function hash({ exchange, place, parameters }: Query): Promise<void> {
  const algorithm = wordIn(parameters, 'algorithm', FileHashAlgorithm.options) ?? 'sha256';
  await exchange.shared.slots.with('scans', async () => {
    const { fd, entry } = openFile(place.folder, place.name);
    try {
      const digest = createHash(algorithm);
      for await (const chunk of chunksOf(fd, { start: 0, end: entry.size - 1 })) {
        if (exchange.signal.aborted) throw new Failure(400, 'The client is gone.');
        digest.update(chunk);
      }
      if (entryOf(fd).etag !== entry.etag) throw new Failure(409, 'The file changed meanwhile.');
      const answer: FileHash = { algorithm, hash: digest.digest('hex'), size: entry.size, etag: entry.etag };
      sendText(exchange.response, 200, { type: 'application/json', text: `${JSON.stringify(answer)}\n`, headers: { etag: entry.etag } });
    } finally {
      closeSync(fd);
    }
  });
}
