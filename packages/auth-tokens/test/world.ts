import type { Permission, ProjectRef, Resources } from '@rstream/protocol/claims';
import { createClientCredentials, createSigningKey, grantOf, mintAppToken, mintAuthToken, mintPat, verifyToken } from '../src/index.ts';
import type { Grant, Owner, SigningKey, StoredCredential, VerificationKeys, VerifiedToken } from '../src/index.ts';

/** Noon of a fixed day, so that no test depends on the clock of the machine. */
export const noon = Date.parse('2026-03-01T12:00:00Z');
export const noonSeconds = noon / 1000;
export const updatedAt = '2026-02-01T00:00:00.000Z';

export const project: ProjectRef = { id: 'p1', workspaceId: 'w1', endpoint: '0badcafe' };
export const sibling: ProjectRef = { id: 'p2', workspaceId: 'w1', endpoint: '0badf00d' };
export const foreign: ProjectRef = { id: 'p9', workspaceId: 'w9', endpoint: 'deadbeef' };

export const owner: Owner = { userId: 'u1', workspaceIds: ['w1'], permissions: null };

/** A store with one credential of each family, and the tokens that stand for them. */
export interface World {
  readonly signingKey: SigningKey;
  readonly client: ReturnType<typeof createClientCredentials>;
  readonly pat: { token: string; sha256: string };
  readonly credentials: Map<string, StoredCredential>;
  readonly keys: VerificationKeys;
  /** Look-ups made so far. */
  readonly lookups: { count: number };
  patch(id: 'login' | 'pat' | 'app', change: Partial<StoredCredential>): void;
}

export async function createWorld(): Promise<World> {
  const signingKey = await createSigningKey();
  const client = createClientCredentials();
  const pat = await mintPat({ projectEndpoint: project.endpoint, now: noon });
  const common = { userId: 'u1', workspaceId: 'w1', permissions: null, updatedAt } as const;
  const bound = { projectId: project.id, projectEndpoint: project.endpoint };
  const credentials = new Map<string, StoredCredential>([
    ['login', { ...common, id: 'login', family: 'auth' }],
    ['pat', { ...common, ...bound, id: 'pat', family: 'pat', sha256: pat.sha256 }],
    ['app', { ...common, ...bound, id: 'app', family: 'app', publicKey: client.publicKey }],
  ]);
  const lookups = { count: 0 };
  const find = (wanted: (credential: StoredCredential) => boolean): StoredCredential | undefined => {
    lookups.count += 1;
    return [...credentials.values()].find(wanted);
  };
  return {
    signingKey,
    client,
    pat,
    credentials,
    lookups,
    keys: {
      signingKeys: [signingKey],
      lookupPat: (sha256) => find((credential) => credential.sha256 === sha256),
      lookupClient: async (clientId) => find((credential) => credential.family === 'app' && clientId === client.clientId),
      lookupCredential: (id) => find((credential) => credential.id === id),
    },
    patch(id, change) {
      const current = credentials.get(id);
      if (current !== undefined) credentials.set(id, { ...current, ...change });
    },
  };
}

export function loginToken(world: World, claims: Partial<Parameters<typeof mintAuthToken>[1]> = {}): Promise<string> {
  return mintAuthToken(
    world.signingKey,
    {
      userId: 'u1',
      permissions: null,
      exp: noonSeconds + 600,
      sourceCredentialId: 'login',
      sourceCredentialUpdatedAt: updatedAt,
      ...claims,
    },
    { now: noon },
  );
}

export function appToken(world: World, options: Parameters<typeof mintAppToken>[1] = {}): Promise<string> {
  return mintAppToken(world.client, { now: noon, ...options });
}

export async function verifiedGrant(world: World, token: string): Promise<Grant> {
  return grantOf({ owner, ...(await verifyToken(token, world.keys, { now: noon })) });
}

/** A grant straight from its parts, without a token. */
export function grantFrom(parts: {
  permissions?: Permission[] | null;
  resources?: Resources;
  credential?: Partial<StoredCredential>;
  owner?: Partial<Owner>;
}): Grant {
  const credential: StoredCredential = {
    id: 'login',
    family: 'auth',
    userId: 'u1',
    workspaceId: 'w1',
    permissions: null,
    updatedAt,
    ...parts.credential,
  };
  const claims: VerifiedToken['claims'] = {
    type: 'auth',
    userId: 'u1',
    exp: noonSeconds + 3600,
    iat: noonSeconds,
    permissions: parts.permissions ?? null,
    ...(parts.resources === undefined ? {} : { resources: parts.resources }),
  };
  return grantOf({ owner: { ...owner, ...parts.owner }, credential, claims, expiresAt: noon + 3_600_000 });
}
