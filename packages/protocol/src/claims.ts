import * as z from 'zod';
import { tokenLimits } from './limits/tokens.ts';

/** Permission names of the published product. `<area>.<resource>.<what>`. */
export const Permission = z.enum([
  'account.plan.read-only',
  'account.projects.read-only',
  'account.projects.read-write',
  'account.tokens.create',
  'account.workspaces.read-only',
  'account.workspace-protection.read-write',
  'network.streams.read-only',
  'network.events.read-only',
  'network.webhooks.read-only',
  'network.webhooks.read-write',
  'network.webtty-servers.read-only',
  'network.webtty-servers.read-write',
  'tunnels.resources.read-only',
  'tunnels.tunnels.create-delete',
  'tunnels.streams.create-delete',
  'webtty.sessions.read-only',
  'webtty.sessions.read-write',
  'webtty.logs.read-only',
  'turn.credentials.create',
  'turn.relay.allocate',
]);
export type Permission = z.infer<typeof Permission>;

const branches = tokenLimits.resourceBranches.default;
const targets = tokenLimits.resourceTargets.default;

const Scalar = z.union([z.string(), z.number(), z.boolean()]);

/** How a field is compared: the exact value, one of a list, or a regular expression (RE2 syntax) that must match the whole value. */
export const Match = z.union([
  Scalar,
  z.strictObject({ exact: Scalar }),
  z.strictObject({ oneof: z.array(Scalar).min(1).max(targets) }),
  z.strictObject({ regex: z.string().min(1).max(tokenLimits.patternCharacters.default) }),
]);
export type Match = z.infer<typeof Match>;

const createFields = [
  'name',
  'type',
  'publish',
  'protocol',
  'geo_ip',
  'trusted_ips',
  'host',
  'hostname',
  'port',
  'tls_mode',
  'tls_alpns',
  'tls_min_version',
  'tls_ciphers',
  'mtls_auth',
  'http_version',
  'http_use_tls',
  'upstream_tls',
  'token_auth',
  'rstream_auth',
  'challenge_mode',
] as const;
const connectFields = [
  ...createFields,
  'id',
  'client_id',
  'user_id',
  'workspace_id',
  'project_id',
  'cluster_id',
  'plan',
  'provider',
  'region',
  'status',
  'creation_date',
] as const;

/** A boolean tree over field matches; labels match one by one. */
export type Filter = { [field: string]: Match | Record<string, Match> } | { AND: Filter[] } | { OR: Filter[] };

const filterOf = (fields: readonly string[]): z.ZodType<Filter> => {
  const leaf = z.strictObject({
    ...Object.fromEntries(fields.map((field) => [field, Match.optional()])),
    labels: z.record(z.string(), Match).optional(),
  });
  const node: z.ZodType<Filter> = z.lazy(
    () =>
      z.union([
        z.strictObject({ AND: z.array(node).min(1).max(branches) }),
        z.strictObject({ OR: z.array(node).min(1).max(branches) }),
        leaf,
      ]) as unknown as z.ZodType<Filter>,
  );
  return node;
};

export const CreateFilter = filterOf(createFields);
export const ConnectFilter = filterOf(connectFields);

/** What a token may do with tunnels: each action is allowed, refused, or allowed where the filter holds. */
export const TunnelScopes = z.strictObject({
  create: z.union([z.boolean(), z.strictObject({ filters: CreateFilter.optional() })]).optional(),
  connect: z
    .union([
      z.boolean(),
      z.strictObject({ filters: ConnectFilter.optional(), params: z.strictObject({ path: Match.optional() }).optional() }),
    ])
    .optional(),
  list: z
    .union([z.boolean(), z.strictObject({ filters: ConnectFilter.optional(), select: z.record(z.string(), z.boolean()).optional() })])
    .optional(),
});
export type TunnelScopes = z.infer<typeof TunnelScopes>;

const ResourceLeaf = z
  .strictObject({
    workspaces: z.array(z.string().min(1)).min(1).max(targets).optional(),
    projects: z.array(z.string().min(1)).min(1).max(targets).optional(),
    scopes: z.strictObject({ tunnels: TunnelScopes }).optional(),
  })
  .refine((leaf) => !(leaf.workspaces && leaf.projects), 'name workspaces or projects, not both')
  .refine((leaf) => Object.values(leaf).some((value) => value !== undefined), 'at least one of workspaces, projects, scopes');
export type ResourceLeaf = z.infer<typeof ResourceLeaf>;

/** A boolean tree of boundaries: of workspaces, projects and tunnel scopes. Missing = everything of the owner. */
export type ResourceNode = ResourceLeaf | { AND: ResourceNode[] } | { OR: ResourceNode[] };
export const ResourceNode: z.ZodType<ResourceNode> = z.lazy(() =>
  z.union([
    z.strictObject({ AND: z.array(ResourceNode).min(1).max(branches) }),
    z.strictObject({ OR: z.array(ResourceNode).min(1).max(branches) }),
    ResourceLeaf,
  ]),
);

/**
 * Why a tree may not be parsed: it is too deep, too large, or holds the key `__proto__`, which a record schema would drop
 * without a word and with it a restriction. Undefined = fine. Iterative, so that a hostile tree cannot exhaust the stack.
 */
function treeProblem(root: unknown): string | undefined {
  const pending: { value: unknown; depth: number }[] = [{ value: root, depth: 0 }];
  let seen = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (++seen > tokenLimits.resourceNodes.default) return `more than ${tokenLimits.resourceNodes.default} values`;
    if (typeof next.value !== 'object' || next.value === null) continue;
    if (next.depth > tokenLimits.resourceDepth.default) return `nested deeper than ${tokenLimits.resourceDepth.default} levels`;
    if (Object.hasOwn(next.value, '__proto__')) return 'the key __proto__ is not allowed';
    for (const value of Object.values(next.value)) pending.push({ value, depth: next.depth + 1 });
  }
  return undefined;
}

/** The resource boundaries of a token: bounded in depth and size before anything else is looked at. */
export const Resources = z.preprocess(
  (value, context) => {
    const problem = treeProblem(value);
    if (problem === undefined) return value;
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  },
  z.strictObject({ tunnels: ResourceNode }),
);
export type Resources = z.infer<typeof Resources>;

export const TokenFamily = z.enum(['auth', 'pat', 'app']);
export type TokenFamily = z.infer<typeof TokenFamily>;

const registered = {
  iss: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  sub: z.string().optional(),
  jti: z.string().optional(),
  iat: z.int().optional(),
  nbf: z.int().optional(),
  metadata: z.strictObject({ engine: z.string().optional() }).optional(),
  resources: Resources.optional(),
};
const permissions = z.array(Permission).max(tokenLimits.permissions.default).nullable();

/** Claims by family Unknown keys are refused. `permissions: null` = everything the parent has. */
export const AuthClaims = z.strictObject({
  ...registered,
  type: z.literal('auth'),
  userId: z.string(),
  permissions,
  exp: z.int(),
  /** The stored credential that this token was delegated from: it dies with it. */
  sourceCredentialId: z.string().optional(),
  sourceCredentialUpdatedAt: z.string().optional(),
});
export const PatClaims = z.strictObject({
  ...registered,
  type: z.literal('pat'),
  /** Endpoint (8 hex) of the project that the token belongs to; absent for a workspace-wide token. */
  token_endpoint: z.string().optional(),
  exp: z.int().optional(),
});
export const AppClaims = z.strictObject({
  ...registered,
  type: z.literal('app'),
  clientId: z.string(),
  permissions,
  iat: z.int(),
  exp: z.int(),
});
export type AuthClaims = z.infer<typeof AuthClaims>;
export type PatClaims = z.infer<typeof PatClaims>;
export type AppClaims = z.infer<typeof AppClaims>;
export const TokenClaims = z.discriminatedUnion('type', [AuthClaims, PatClaims, AppClaims]);
export type TokenClaims = z.infer<typeof TokenClaims>;

/**
 * Header of a token. Strict: `crit`, `jwk`, `jku` or `x5c` would let the sender choose how, or with which key, it is checked.
 * `kid` names the signing key of an `auth` token.
 */
export const TokenHeader = z.strictObject({
  alg: z.enum(['EdDSA', 'HS256', 'ES512']),
  typ: z.literal('JWT').optional(),
  kid: z.string().min(1).max(64).optional(),
});
export type TokenHeader = z.infer<typeof TokenHeader>;

/** The Ed25519 key with which a server signs `auth` tokens, as it is stored: a private JWK (RFC 8037). A secret. */
export const SigningKeyJwk = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().min(1).max(64),
  x: z.string(),
  d: z.string(),
});
export type SigningKeyJwk = z.infer<typeof SigningKeyJwk>;

/** Which project something happens in. */
export interface ProjectRef {
  readonly id: string;
  readonly workspaceId: string;
  /** 8 hex characters; first label of the project's engine host. */
  readonly endpoint: string;
}

/** The four things a credential can ask the engine for, and the one it asks the control plane for. The evaluator answers each. */
export type Action =
  | { readonly type: 'session.open'; readonly project: ProjectRef }
  | { readonly type: 'tunnel.create'; readonly project: ProjectRef; readonly tunnel: Readonly<Record<string, unknown>> }
  | {
      readonly type: 'tunnel.connect';
      readonly project: ProjectRef;
      readonly tunnel: Readonly<Record<string, unknown>>;
      readonly path?: string;
    }
  | { readonly type: 'tunnel.list'; readonly project: ProjectRef; readonly tunnel?: Readonly<Record<string, unknown>> }
  | { readonly type: 'control'; readonly permission: Permission; readonly workspaceId?: string; readonly project?: ProjectRef };
