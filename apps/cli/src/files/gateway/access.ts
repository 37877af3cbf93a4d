import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isLoopbackHost } from './loopback.ts';

/** A user and a password, as HTTP Basic sends them. */
export interface BasicCredential {
  readonly username: string;
  readonly password: string;
}

/** A user and a password for one run: 160 random bits between them and anybody else. */
export function oneTimeCredential(): BasicCredential {
  return { username: `rstream-${randomBytes(4).toString('hex')}`, password: randomBytes(20).toString('base64url') };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A check of the Authorization header that takes as long for a wrong password as for the right one. */
export function basicCheck({ username, password }: BasicCredential): (request: IncomingMessage) => boolean {
  const expected = digest(`${username}:${password}`);
  return ({ headers: { authorization = '' } }) => {
    const [, encoded = ''] = /^basic ([a-z0-9+/=_-]{1,8192})$/i.exec(authorization) ?? [];
    return timingSafeEqual(digest(Buffer.from(encoded, 'base64').toString()), expected);
  };
}

/** True when the request names this listener, so that no page of the web reaches it under a name of its own. */
export function namesListener({ headers: { host = '' } }: IncomingMessage, port: number, address: string): boolean {
  const [, name = '', written = '80'] = /^(\[[0-9a-f:.]+\]|[^:]+)(?::(\d+))?$/i.exec(host) ?? [];
  if (Number(written) !== port) return false;
  const bare = name.replace(/^\[|\]$/g, '').toLowerCase();
  return isLoopbackHost(bare) || bare === address;
}
