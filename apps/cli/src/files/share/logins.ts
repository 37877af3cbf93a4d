import type { IncomingMessage } from 'node:http';
import { limits } from '@rstream/protocol/limits';
import { basicCheck, type BasicCredential } from '../gateway/access.ts';

const MINUTE_MS = 60_000;

/** What became of a request's password. `later`: too many were wrong in the last minute, and this one was not looked at. */
export type Login = 'right' | 'wrong' | 'missing' | 'later';

/** A check of user and password that takes only so many wrong ones in a minute. */
export function loginCheck(credential: BasicCredential, now: () => number = Date.now): (request: IncomingMessage) => Login {
  const isRight = basicCheck(credential);
  let windowStart = Number.NEGATIVE_INFINITY;
  let failures = 0;
  return (request) => {
    if (request.headers.authorization === undefined) return 'missing';
    if (now() - windowStart >= MINUTE_MS) [windowStart, failures] = [now(), 0];
    if (failures >= limits.files.shareFailedLogins.default) return 'later';
    if (isRight(request)) return 'right';
    failures += 1;
    return 'wrong';
  };
}
