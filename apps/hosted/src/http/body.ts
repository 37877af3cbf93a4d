import { RstreamError } from '@rstream/protocol';

/** The JSON body of a request, refused as soon as it is known to be too large. The server's own deadline bounds the wait. */
export async function readJsonBody(request: Request, maxBytes: number): Promise<unknown> {
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(request.headers.get('content-type') ?? '')) {
    throw new RstreamError('INVALID_REQUEST', 'The body must be JSON.', { next: 'Send content-type: application/json.' });
  }
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw new RstreamError('PAYLOAD_TOO_LARGE');
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new RstreamError('PAYLOAD_TOO_LARGE');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new RstreamError('INVALID_REQUEST', 'The body is not JSON.');
  }
}
