import { compactVerify, type CryptoKey } from 'jose';
import { timingSafeEqual, type KeyObject } from 'node:crypto';
import { RstreamError, toRstreamError } from '@rstream/protocol';
import type { AppClaims, AuthClaims, PatClaims } from '@rstream/protocol/claims';
import { clientPublicKey } from './client-credentials.ts';
import type { StoredCredential, VerificationKeys, VerifiedToken } from './credential.ts';
import { epochSeconds, isShortLived, timeProblem } from './lifetime.ts';
import { tokenHash } from './mint/mint-pat.ts';
import { familyAlgorithms, parseToken, type UnprovenToken } from './token-text.ts';

export interface VerifyOptions {
  /** Required value of `iss` in `auth` tokens. */
  readonly issuer?: string;
  /** Required value of `aud` in `auth` tokens; in the other families it must not contradict. */
  readonly audience?: string;
  /** Epoch ms. */
  readonly now?: number;
}

/**
 * Proves a token: shape, algorithm of its family, times, signature or stored hash, and a credential that is alive.
 * Cheap refusals come first, so that a flood of bad tokens costs neither look-ups nor curve arithmetic.
 * Throws `UNAUTHORIZED`, or `INTERNAL` when a look-up fails.
 */
export async function verifyToken(token: string, keys: VerificationKeys, options: VerifyOptions = {}): Promise<VerifiedToken> {
  const now = options.now ?? Date.now();
  const unproven = parseToken(token);
  if (typeof unproven === 'string') throw refused(unproven);
  const problem = timeProblem(unproven.claims, epochSeconds(now)) ?? audienceProblem(unproven.claims, options);
  if (problem !== undefined) throw refused(problem);
  const credential = await prove(token, unproven, keys).catch((error: unknown) => {
    throw toRstreamError(error);
  });
  const dead = credentialProblem(credential, unproven.claims.type, now);
  if (dead !== undefined) throw refused(dead);
  return { claims: unproven.claims, credential, expiresAt: earlier(unproven.claims.exp, credential.expiresAt) };
}

function prove(token: string, { header, claims }: UnprovenToken, keys: VerificationKeys): Promise<StoredCredential> {
  switch (claims.type) {
    case 'auth':
      return proveAuth(token, claims, header.kid, keys);
    case 'pat':
      return provePat(token, claims, keys);
    default:
      return proveApp(token, claims, keys);
  }
}

async function proveAuth(token: string, claims: AuthClaims, kid: string | undefined, keys: VerificationKeys): Promise<StoredCredential> {
  const key = keys.signingKeys.find((candidate) => candidate.kid === kid);
  if (key === undefined) throw refused('is signed with a key that is not known here');
  await checkSignature(token, key.publicKey, familyAlgorithms.auth);
  const id = claims.sourceCredentialId ?? claims.jti;
  const credential = id === undefined ? undefined : await keys.lookupCredential(id);
  if (credential === undefined || credential.userId !== claims.userId) throw refused('belongs to a credential that is gone');
  const delegatedAt = claims.sourceCredentialUpdatedAt;
  if (delegatedAt !== undefined && delegatedAt !== credential.updatedAt) throw refused('was made before its credential changed');
  return credential;
}

async function provePat(token: string, claims: PatClaims, keys: VerificationKeys): Promise<StoredCredential> {
  const sha256 = tokenHash(token);
  const credential = await keys.lookupPat(sha256);
  if (credential?.sha256 === undefined || !sameHash(sha256, credential.sha256)) throw refused('is not known here');
  if (credential.projectEndpoint !== claims.token_endpoint) throw refused('is for another project');
  return credential;
}

async function proveApp(token: string, claims: AppClaims, keys: VerificationKeys): Promise<StoredCredential> {
  if (!isShortLived(claims)) throw refused('lives longer than application tokens may');
  const credential = await keys.lookupClient(claims.clientId);
  const publicKey = credential?.publicKey === undefined ? undefined : clientPublicKey(credential.publicKey);
  if (credential === undefined || publicKey === undefined) throw refused('belongs to a client that is not known here');
  await checkSignature(token, publicKey, familyAlgorithms.app);
  return credential;
}

async function checkSignature(token: string, key: CryptoKey | KeyObject, algorithm: string): Promise<void> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] });
  } catch {
    throw refused('has a signature that does not match');
  }
}

function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')];
  return left.length === 32 && left.length === right.length && timingSafeEqual(left, right);
}

function audienceProblem(claims: UnprovenToken['claims'], { issuer, audience }: VerifyOptions): string | undefined {
  const own = claims.type === 'auth';
  if (issuer !== undefined && own && claims.iss !== issuer) return 'was issued elsewhere';
  if (audience === undefined || (!own && claims.aud === undefined)) return undefined;
  return [claims.aud].flat().includes(audience) ? undefined : 'is meant for another service';
}

function credentialProblem(credential: StoredCredential, family: UnprovenToken['claims']['type'], now: number): string | undefined {
  // An auth token may be delegated from a credential of any family; the other two only stand behind their own.
  if (family !== 'auth' && credential.family !== family) return 'is not of the family of its credential';
  if (credential.revokedAt !== undefined) return 'is revoked';
  if (credential.expiresAt !== undefined && credential.expiresAt <= now) return 'belongs to a credential that has expired';
  return undefined;
}

function earlier(expSeconds: number | undefined, expiresAt: number | undefined): number | undefined {
  if (expSeconds === undefined) return expiresAt;
  return expiresAt === undefined ? expSeconds * 1000 : Math.min(expSeconds * 1000, expiresAt);
}

function refused(problem: string): RstreamError {
  return new RstreamError('UNAUTHORIZED', `The token ${problem}.`);
}
