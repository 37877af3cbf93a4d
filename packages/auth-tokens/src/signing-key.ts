import { exportJWK, generateKeyPair, importJWK, type CryptoKey } from 'jose';
import { randomUUID } from 'node:crypto';
import { RstreamError } from '@rstream/protocol';
import { SigningKeyJwk } from '@rstream/protocol/claims';
import type { SigningPublicKey } from './credential.ts';

/** The Ed25519 key pair with which a server signs `auth` tokens. Keep the private half where only the server reads it. */
export interface SigningKey extends SigningPublicKey {
  readonly privateKey: CryptoKey;
}

/** A new signing key with a random key id. */
export async function createSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  return { kid: randomUUID(), privateKey, publicKey };
}

/** The key as a private JWK for storage. A secret: write it with mode 0600. */
export async function exportSigningKey(key: SigningKey): Promise<SigningKeyJwk> {
  return SigningKeyJwk.parse({ ...(await exportJWK(key.privateKey)), kid: key.kid });
}

/** Reads what `exportSigningKey` wrote. Throws `ERR_RSTREAM_SIGNING_KEY_INVALID`, without the key material in message or cause. */
export async function importSigningKey(jwk: unknown): Promise<SigningKey> {
  const parsed = SigningKeyJwk.safeParse(jwk);
  if (!parsed.success) throw new RstreamError('ERR_RSTREAM_SIGNING_KEY_INVALID');
  const { d, ...publicJwk } = parsed.data;
  try {
    const [privateKey, publicKey] = await Promise.all([importKey({ ...publicJwk, d }), importKey(publicJwk)]);
    return { kid: publicJwk.kid, privateKey, publicKey };
  } catch {
    throw new RstreamError('ERR_RSTREAM_SIGNING_KEY_INVALID');
  }
}

async function importKey(jwk: Omit<SigningKeyJwk, 'd'> & { d?: string }): Promise<CryptoKey> {
  const key = await importJWK(jwk, 'EdDSA', { extractable: true });
  if (key instanceof Uint8Array) throw new TypeError('not an asymmetric key');
  return key;
}
