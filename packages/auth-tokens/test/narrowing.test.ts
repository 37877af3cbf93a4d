import { RstreamError } from '@rstream/protocol';
import { Resources, type Action } from '@rstream/protocol/claims';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { delegate, evaluate, grantOf, selectFields, type Grant } from '../src/index.ts';
import { action, permissions, resourceNode } from './arbitraries.ts';
import { grantFrom, noon, owner, project, updatedAt } from './world.ts';

const row = { id: 'x', name: 'x', labels: {}, status: 'online' };

/** The fields of a row that a grant shows after an action; undefined when it refuses. */
function seen(grant: Grant, asked: Action): string[] | undefined {
  const decision = evaluate(grant, asked, noon);
  return decision.allowed ? Object.keys(selectFields(row, decision.select)) : undefined;
}

/** Everything that the child allows, its parent allows, and shows at least as much. */
function expectNarrower(child: Grant, parent: Grant, asked: Action): boolean {
  const childSees = seen(child, asked);
  if (childSees === undefined) return false;
  expect(seen(parent, asked)).toEqual(expect.arrayContaining(childSees));
  return true;
}

const layer = fc.record({ permissions, tree: fc.option(resourceNode, { nil: undefined }) });
type Layer = { permissions: Parameters<typeof grantFrom>[0]['permissions']; tree: Resources['tunnels'] | undefined };
const resourcesOf = ({ tree }: Layer): { resources?: Resources } => (tree === undefined ? {} : { resources: { tunnels: tree } });

function build(credential: Layer, claims: Layer, projectId: string | undefined): Grant {
  return grantFrom({
    permissions: claims.permissions ?? null,
    ...resourcesOf(claims),
    credential: { permissions: credential.permissions ?? null, projectId, ...resourcesOf(credential) },
  });
}

describe('a grant never widens', () => {
  it('the trees that the tests draw are trees that the schema accepts', () => {
    fc.assert(
      fc.property(resourceNode, (tunnels) => {
        expect(Resources.safeParse({ tunnels }).success).toBe(true);
      }),
    );
  });

  it('with claims added, with a credential narrowed, with a branch added to an AND', () => {
    let allowed = 0;
    const projectId = fc.constantFrom(undefined, 'p1');
    fc.assert(
      fc.property(layer, layer, projectId, fc.array(action, { minLength: 8, maxLength: 8 }), (credential, claims, projectId, asked) => {
        const open = { permissions: null, tree: undefined };
        const child = build(credential, claims, projectId);
        const parents = [build(credential, open, projectId), build(open, claims, projectId), build(credential, claims, undefined)];
        const both = grantFrom({
          resources: { tunnels: { AND: [credential.tree ?? { workspaces: ['w1'] }, claims.tree ?? { workspaces: ['w1'] }] } },
        });
        for (const one of asked) {
          for (const parent of parents) allowed += expectNarrower(child, parent, one) ? 1 : 0;
          for (const { tree } of [credential, claims])
            if (tree !== undefined) expectNarrower(both, grantFrom({ resources: { tunnels: tree } }), one);
        }
      }),
      { numRuns: 400 },
    );
    // Vacuous otherwise.
    expect(allowed).toBeGreaterThan(300);
  });

  it('by delegation, however often it is repeated', () => {
    let links = 0;
    fc.assert(
      fc.property(
        layer,
        layer,
        fc.array(layer, { minLength: 1, maxLength: 3 }),
        fc.array(action, { maxLength: 8 }),
        (credential, claims, chain, asked) => {
          let parent = build(credential, claims, undefined);
          for (const request of chain) {
            const child = childOf(parent, request, credential);
            if (child === undefined) return;
            links += 1;
            for (const one of asked) expectNarrower(child, parent, one);
            parent = child;
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(links).toBeGreaterThan(100);
  });
});

/** Delegates and reads the claims back as a server would; undefined when the request is refused with a code. */
function childOf(parent: Grant, request: Layer, credential: Layer): Grant | undefined {
  try {
    const claims = delegate(parent, { permissions: request.permissions ?? null, ...resourcesOf(request) }, { project, now: noon });
    const stored = { id: 'login', family: 'auth', userId: 'u1', workspaceId: 'w1', updatedAt } as const;
    const live = { ...stored, permissions: credential.permissions ?? null, ...resourcesOf(credential) };
    return grantOf({ owner, credential: live, claims, expiresAt: claims.exp * 1000 });
  } catch (error) {
    if (RstreamError.is(error) && ['FORBIDDEN', 'INVALID_REQUEST'].includes(error.code)) return undefined;
    throw error;
  }
}
