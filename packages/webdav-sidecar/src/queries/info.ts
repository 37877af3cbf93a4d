import { fileQueries, type FilesInfo } from '@rstream/protocol/files';
import { sendText } from '../answer.ts';
import type { Query } from './question.ts';

/** `?rstream=info`: what this root is and can. */
export async function info({ exchange: { response, shared } }: Query): Promise<void> {
  const answer: FilesInfo = {
    version: 1,
    containment: shared.root.containment,
    read_only: shared.readOnly,
    max_upload_bytes: shared.maxUploadBytes,
    queries: [...fileQueries],
  };
  sendText(response, 200, { type: 'application/json', text: `${JSON.stringify(answer)}\n` });
}
