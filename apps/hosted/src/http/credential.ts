import { RstreamError } from '@rstream/protocol';
import { tokenQueryParameter } from '@rstream/protocol/wire';

/** The one place of a request that carries its token. */
export interface PresentedToken {
  readonly token: string;
  readonly source: 'authorization' | 'query';
}

/**
 * The token of a request: `Authorization: Bearer`, or the query where the route takes it (browsers cannot set headers on an
 * EventSource or a WebSocket). Throws `UNAUTHORIZED` when there is none and `INVALID_REQUEST` when there are two.
 */
export function presentedToken(authorization: string | undefined, query: URLSearchParams, queryAllowed: boolean): PresentedToken {
  const inQuery = query.getAll(tokenQueryParameter);
  if (inQuery.length > 1 || (inQuery.length === 1 && authorization !== undefined)) {
    throw new RstreamError('INVALID_REQUEST', 'The request carries more than one token.', { next: 'Send exactly one token.' });
  }
  const [queryToken] = inQuery;
  if (queryToken !== undefined) {
    if (queryAllowed) return { token: queryToken, source: 'query' };
    throw new RstreamError('UNAUTHORIZED', `This address does not take ${tokenQueryParameter}; only event streams do.`);
  }
  const bearer = /^bearer +([^ ]+)$/i.exec(authorization?.trim() ?? '')?.[1];
  if (bearer === undefined) throw new RstreamError('UNAUTHORIZED', 'The request carries no bearer token.');
  return { token: bearer, source: 'authorization' };
}
