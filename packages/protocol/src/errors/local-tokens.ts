import type { ErrorEntry } from './entry.ts';

/** Errors of `auth-tokens`: reading, minting and key material. A token that a server refuses is `UNAUTHORIZED` instead. */
export const tokenErrors = {
  ERR_RSTREAM_TOKEN_INVALID: {
    about: 'This is not an rstream token.',
    next: 'Copy the whole token again, or create a new one.',
  },
  ERR_RSTREAM_CLIENT_SECRET_INVALID: {
    about: 'The client secret is not a P-521 private key as PKCS#8 DER in hexadecimal.',
    next: 'Copy the whole client secret again, or create new client credentials.',
  },
  ERR_RSTREAM_SIGNING_KEY_INVALID: {
    about: 'The signing key is not an Ed25519 private key as a JWK with a key id.',
    next: 'Restore the key file from a backup; a new key makes every login and delegated token invalid.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
