import { SignJWT, type JWTPayload } from 'jose';
import { RstreamError } from '@rstream/protocol';
import { AppClaims, type Permission, type Resources } from '@rstream/protocol/claims';
import { tokenLimits } from '@rstream/protocol/limits';
import { clientPrivateKey, type ClientCredentials } from '../client-credentials.ts';
import { checkedTtl, epochSeconds } from '../lifetime.ts';
import { checkedResources, withDefaultProject } from '../resources.ts';

export interface MintAppOptions {
  /** Null (the default) = everything that the client credential may do. */
  readonly permissions?: readonly Permission[] | null;
  readonly resources?: Resources;
  /** Id of the client's project: resource leaves that name no target get it. */
  readonly projectId?: string;
  /** False leaves such leaves as they are: every project of the credential. Default true. */
  readonly projectScoped?: boolean;
  /** Seconds, 1–3600; default 60. */
  readonly ttl?: number;
  /** Epoch seconds; default now. At most 300 s away from now. */
  readonly issuedAt?: number;
  /** Engine (HOST:PORT) for which the token is meant, as a note for its reader. */
  readonly engine?: string;
  /** Epoch ms. */
  readonly now?: number;
}

/**
 * Mints an application token (ES512) from a client secret: offline, no server involved.
 * Throws `INVALID_REQUEST` or `ERR_RSTREAM_CLIENT_SECRET_INVALID`.
 */
export async function mintAppToken(credentials: ClientCredentials, options: MintAppOptions = {}): Promise<string> {
  const now = epochSeconds(options.now ?? Date.now());
  const { permissions = null, issuedAt = now, engine } = options;
  if (Math.abs(issuedAt - now) > tokenLimits.clockSkew.default) {
    throw new RstreamError('INVALID_REQUEST', `The issue time is more than ${tokenLimits.clockSkew.default} s away from the clock.`);
  }
  const resources = appResources(options);
  const parsed = AppClaims.safeParse({
    type: 'app',
    clientId: credentials.clientId,
    iat: issuedAt,
    exp: issuedAt + checkedTtl(options.ttl),
    permissions,
    ...(resources === undefined ? {} : { resources }),
    ...(engine === undefined ? {} : { metadata: { engine } }),
  });
  if (!parsed.success) throw new RstreamError('INVALID_REQUEST', 'The claims of the token are not valid.', { cause: parsed.error });
  return new SignJWT(parsed.data as JWTPayload)
    .setProtectedHeader({ alg: 'ES512', typ: 'JWT' })
    .sign(clientPrivateKey(credentials.clientSecret));
}

function appResources({ resources, projectId, projectScoped = true }: MintAppOptions): Resources | undefined {
  if (resources === undefined) return undefined;
  const checked = checkedResources(resources);
  return projectScoped && projectId !== undefined ? { tunnels: withDefaultProject(checked.tunnels, projectId) } : checked;
}
