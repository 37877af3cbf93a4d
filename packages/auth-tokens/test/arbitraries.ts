import type { Action, Permission, ResourceNode } from '@rstream/protocol/claims';
import * as fc from 'fast-check';
import { foreign, project, sibling } from './world.ts';

const names = ['web', 'api', 'box'];
const paths = ['/a', '/a/b', '/a/../b', '/b?x', '/%61'];
const permissionNames = [
  'tunnels.tunnels.create-delete',
  'tunnels.streams.create-delete',
  'tunnels.resources.read-only',
  'webtty.sessions.read-write',
  'webtty.logs.read-only',
  'account.plan.read-only',
  'account.tokens.create',
] as const satisfies readonly Permission[];

/** Null is common, so that not every random grant is dead. */
export const permissions: fc.Arbitrary<Permission[] | null> = fc.oneof(
  fc.constant(null),
  fc.subarray([...permissionNames], { minLength: 3 }),
);

const match = fc.oneof(
  fc.constantFrom(...names),
  fc.subarray(names, { minLength: 1 }).map((oneof) => ({ oneof })),
  fc.constantFrom('w.*', '[a-b].*', '.*').map((regex) => ({ regex })),
);
const filter = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    fc.record({ name: match, publish: fc.boolean(), labels: fc.record({ env: match }) }, { requiredKeys: [] }),
    fc.array(tie('node'), { minLength: 1, maxLength: 2 }).map((nodes) => ({ AND: nodes })),
    fc.array(tie('node'), { minLength: 1, maxLength: 2 }).map((nodes) => ({ OR: nodes })),
  ),
})).node;
const path = fc.oneof(
  fc.constantFrom('/a', '/b'),
  fc.constantFrom('/a.*', '.*').map((regex) => ({ regex })),
);
const select = fc.dictionary(fc.constantFrom('id', 'name', 'labels'), fc.boolean());
const scopes = fc.record(
  {
    create: fc.oneof(fc.boolean(), fc.record({ filters: filter }, { requiredKeys: [] })),
    connect: fc.oneof(fc.boolean(), fc.record({ filters: filter, params: fc.record({ path }) }, { requiredKeys: [] })),
    list: fc.oneof(fc.boolean(), fc.record({ filters: filter, select }, { requiredKeys: [] })),
  },
  { requiredKeys: [] },
);
const target = fc.oneof(
  fc.constant({}),
  fc.subarray(['p1', 'p2', 'p9'], { minLength: 1 }).map((projects) => ({ projects })),
  fc.subarray(['w1', 'w9'], { minLength: 1 }).map((workspaces) => ({ workspaces })),
);
const leaf = fc.oneof(
  fc.tuple(target, scopes).map(([where, tunnels]) => Object.assign({ scopes: { tunnels } }, where)),
  target.filter((where) => Object.keys(where).length > 0),
);

/** A random resource tree that the schema accepts. */
export const resourceNode = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    leaf,
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((nodes) => ({ AND: nodes })),
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((nodes) => ({ OR: nodes })),
  ),
})).node as fc.Arbitrary<ResourceNode>;

const tunnel = fc.record(
  {
    name: fc.constantFrom(...names),
    publish: fc.boolean(),
    labels: fc.record({ env: fc.constantFrom(...names), 'application-protocol': fc.constant('rstream.webtty') }, { requiredKeys: [] }),
  },
  { requiredKeys: ['name'] },
);
const where = fc.constantFrom(project, sibling, foreign);

/** A random question, of each kind. */
export const action: fc.Arbitrary<Action> = fc.oneof(
  where.map((project): Action => ({ type: 'session.open', project })),
  fc.tuple(where, tunnel).map(([project, tunnel]): Action => ({ type: 'tunnel.create', project, tunnel })),
  fc
    .tuple(where, tunnel, fc.constantFrom(...paths))
    .map(([project, tunnel, path]): Action => ({ type: 'tunnel.connect', project, tunnel, path })),
  fc.tuple(where, tunnel).map(([project, tunnel]): Action => ({ type: 'tunnel.connect', project, tunnel })),
  fc.tuple(where, tunnel).map(([project, tunnel]): Action => ({ type: 'tunnel.list', project, tunnel })),
  where.map((project): Action => ({ type: 'tunnel.list', project })),
  fc.tuple(where, fc.constantFrom(...permissionNames)).map(([project, permission]): Action => ({ type: 'control', permission, project })),
  fc.constantFrom(...permissionNames).map((permission): Action => ({ type: 'control', permission, workspaceId: 'w1' })),
);
