import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { RstreamError } from '@rstream/protocol';

/** What an application keeps to mint its own tokens. `clientSecret` is a secret. */
export interface ClientCredentials {
  readonly clientId: string;
  /** P-521 private key, PKCS#8 DER in hex. */
  readonly clientSecret: string;
}

/** New client credentials, and the public key (SPKI DER in hex) that the server stores in place of the secret. */
export function createClientCredentials(): ClientCredentials & { readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' });
  return {
    clientId: randomUUID(),
    clientSecret: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('hex'),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
  };
}

/** The private key in a client secret. Throws `ERR_RSTREAM_CLIENT_SECRET_INVALID`, without the secret in message or cause. */
export function clientPrivateKey(clientSecret: string): KeyObject {
  try {
    const key = createPrivateKey({ key: derOf(clientSecret), type: 'pkcs8', format: 'der' });
    if (isP521(key)) return key;
  } catch {
    // The cause would quote the input.
  }
  throw new RstreamError('ERR_RSTREAM_CLIENT_SECRET_INVALID');
}

/** The public key that a server stored for a client; undefined when it is none on P-521. */
export function clientPublicKey(publicKey: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: derOf(publicKey), type: 'spki', format: 'der' });
    return isP521(key) ? key : undefined;
  } catch {
    return undefined;
  }
}

// Buffer.from stops silently at the first character that is not hex.
function derOf(hex: string): Buffer {
  if (!/^(?:[0-9a-f]{2}){1,512}$/i.test(hex)) throw new TypeError('not hex');
  return Buffer.from(hex, 'hex');
}

function isP521(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'secp521r1';
}
