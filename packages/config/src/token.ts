import { open } from 'node:fs/promises';
import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';

/** What a token says of itself. Read without checking the signature: only for messages and for the expiry. */
export interface TokenFacts {
  readonly type?: string;
  /** Epoch seconds. */
  readonly expiresAt?: number;
}

/** Trims a token and checks that it can be one. @throws RstreamError `ERR_RSTREAM_TOKEN_MALFORMED`; the text is never repeated */
export function parseToken(raw: string, source: string): string {
  const token = raw.trim();
  const sound = token.length <= limits.config.tokenBytes.default && /^[\x21-\x7E]+$/.test(token);
  if (!sound) throw new RstreamError('ERR_RSTREAM_TOKEN_MALFORMED', `${source} does not hold a token.`);
  return token;
}

/** Reads the payload of a JSON Web Token; nothing for any other text. */
export function tokenFacts(token: string): TokenFacts {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    if (typeof payload !== 'object' || payload === null) return {};
    const { type, exp } = payload as { type?: unknown; exp?: unknown };
    return { ...(typeof type === 'string' ? { type } : {}), ...(typeof exp === 'number' ? { expiresAt: exp } : {}) };
  } catch {
    return {};
  }
}

/** @throws RstreamError `ERR_RSTREAM_TOKEN_EXPIRED` */
export function assertFresh(token: string, { source, now = Date.now() }: { source: string; now?: number }): void {
  const { expiresAt } = tokenFacts(token);
  if (expiresAt === undefined || expiresAt * 1000 > now) return;
  throw new RstreamError('ERR_RSTREAM_TOKEN_EXPIRED', `${source} expired at ${new Date(expiresAt * 1000).toISOString()}.`);
}

/**
 * Reads a token from a file that only its owner can read.
 * @throws RstreamError `ERR_RSTREAM_TOKEN_FILE_UNSAFE`, `ERR_RSTREAM_TOKEN_MALFORMED`, `ERR_RSTREAM_AUTH_REQUIRED` when there is no file
 */
export async function readTokenFile(path: string): Promise<string> {
  try {
    const handle = await open(path, 'r');
    try {
      // Mode and content are those of one open file: it cannot be exchanged in between.
      const found = await handle.stat();
      if (process.platform !== 'win32' && found.isFile() && (found.mode & 0o077) !== 0) {
        throw new RstreamError('ERR_RSTREAM_TOKEN_FILE_UNSAFE', `Other users can read ${path}.`, { next: `Run: chmod 600 ${path}` });
      }
      const buffer = Buffer.alloc(limits.config.tokenBytes.default + 1);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      return parseToken(buffer.toString('utf8', 0, bytesRead), path);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (RstreamError.is(error)) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new RstreamError('ERR_RSTREAM_AUTH_REQUIRED', `The token file ${path} cannot be read (${code ?? 'unknown reason'}).`, {
      next: 'Check the path of the token file.',
      cause: error,
    });
  }
}
