import { RstreamError } from '@rstream/protocol';
import { TokenClaims, TokenHeader } from '@rstream/protocol/claims';
import { tokenLimits } from '@rstream/protocol/limits';

/** Algorithm of each family; a token that names another is refused before any key is touched. */
export const familyAlgorithms = { auth: 'EdDSA', pat: 'HS256', app: 'ES512' } as const;

/** A token taken apart and found well-formed. Nothing in it is proven. */
export interface UnprovenToken {
  readonly header: TokenHeader;
  readonly claims: TokenClaims;
}

const compact = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/** Parses a token without checking its signature. Returns a word for the first thing that is wrong. */
export function parseToken(token: string): UnprovenToken | string {
  if (typeof token !== 'string' || token.length > tokenLimits.tokenCharacters.default) return 'is too long';
  const [, head, payload] = compact.exec(token) ?? [];
  if (head === undefined || payload === undefined) return 'is not a JWT';
  const header = TokenHeader.safeParse(jsonOf(head));
  if (!header.success) return 'has a header that is not allowed';
  const claims = TokenClaims.safeParse(jsonOf(payload));
  if (!claims.success) return 'has claims that are not allowed';
  if (header.data.alg !== familyAlgorithms[claims.data.type]) return 'is signed with an algorithm that its family does not use';
  return { header: header.data, claims: claims.data };
}

function jsonOf(segment: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(segment, 'base64url')));
  } catch {
    return undefined;
  }
}

/**
 * The claims of a token, **not verified**: for its holder, to see the family and the expiry before sending it.
 * Throws `ERR_RSTREAM_TOKEN_INVALID`.
 */
export function decodeToken(token: string): TokenClaims {
  const parsed = parseToken(token);
  if (typeof parsed === 'string') throw new RstreamError('ERR_RSTREAM_TOKEN_INVALID', `The token ${parsed}.`);
  return parsed.claims;
}
