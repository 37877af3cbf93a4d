import { randomBytes } from 'node:crypto';

/** A new identifier: a prefix that says what it names and 96 random bits. */
export const newId = (prefix: 'usr' | 'wsp' | 'prj' | 'key' | 'req' | 'pat' | 'app'): string =>
  `${prefix}_${randomBytes(12).toString('hex')}`;

/** A new project endpoint: 8 hex characters. Uniqueness is the store's rule. */
export const newEndpoint = (): string => randomBytes(4).toString('hex');
