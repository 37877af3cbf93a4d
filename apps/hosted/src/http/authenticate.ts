import type { IncomingMessage } from 'node:http';
import { RstreamError, toRstreamError } from '@rstream/protocol';
import type { Decision } from '@rstream/relay';
import type { Access, Principal } from '../access.ts';
import { type PresentedToken, presentedToken } from './credential.ts';
import type { FailedAuthentications } from './failed-authentication.ts';

/** What proving a request needs of it. */
export interface Presented {
  readonly authorization: string | undefined;
  readonly query: URLSearchParams;
  readonly address: string;
  /** True on event streams, which browsers open without headers. */
  readonly queryTokenAllowed: boolean;
}

export type Authenticate = (presented: Presented) => Promise<Principal>;

/** Proves requests against `access`, counting failures by address. The result throws `RstreamError`s only. */
export function createAuthenticate(access: Access, failures: FailedAuthentications): Authenticate {
  return async ({ authorization, query, address, queryTokenAllowed }) => {
    const presented = presentedToken(authorization, query, queryTokenAllowed);
    return await prove(access, presented).catch((error: unknown) => {
      const failure = toRstreamError(error);
      throw failure.code === 'UNAUTHORIZED' ? failures.record(address, failure) : failure;
    });
  };
}

async function prove(access: Access, { token, source }: PresentedToken): Promise<Principal> {
  const principal = await access.authenticate(token);
  if (source === 'query') assertAllowed(principal.allowsQuery());
  return principal;
}

export function assertAllowed(decision: Decision): void {
  if (!decision.allowed) throw decision.error;
}

/** The address of the client: of the connection, or what a trusted proxy says it was. */
export function clientAddress(request: IncomingMessage, isTrustedProxy: (address: string) => boolean): string {
  const peer = plainAddress(request.socket.remoteAddress ?? '');
  if (!isTrustedProxy(peer)) return peer;
  const header = request.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((hop) => plainAddress(hop.trim()));
  return hops.reverse().find((hop) => hop !== '' && !isTrustedProxy(hop)) ?? peer;
}

const plainAddress = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address).slice(0, 64);

/** Something of a program's own, not of the request, went wrong: what the caller may know of it. */
export const publicError = (error: unknown): RstreamError => {
  const known = toRstreamError(error);
  return known.code === 'INTERNAL' || known.code.startsWith('ERR_RSTREAM_') ? new RstreamError('INTERNAL') : known;
};
