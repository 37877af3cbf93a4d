import type { Match, ProjectRef, ResourceLeaf, ResourceNode, TunnelScopes } from '@rstream/protocol/claims';
import { branchesOf } from '../resources.ts';
import { compileFilter, compileMatch, type TunnelFields } from './match.ts';
import { normalisedPath } from './path.ts';
import type { ScopeName } from './requirement.ts';
import { everyField, fieldSet, intersectFields, uniteFields, type FieldSet } from './select.ts';

/**
 * How far an action came. A number, so that AND is the minimum, OR the maximum, and a refusal names the last hurdle of the
 * branch that came closest, all without allocating.
 */
export const progress = { permission: 0, target: 1, scope: 2, filter: 3, path: 4, allowed: 5 } as const;
export type Progress = (typeof progress)[keyof typeof progress];

/** What an action is about. Filters and paths are compared only when a tunnel is given. */
export interface Subject {
  readonly project?: ProjectRef;
  readonly workspaceId?: string;
  readonly tunnel?: TunnelFields;
  readonly path?: string;
}

/** A resource tree made ready to be asked on every request. */
export interface Bound {
  check(subject: Subject, scope: ScopeName | undefined): Progress;
  /** Inventory fields that the branches which allow a listing show. */
  visible(subject: Subject): FieldSet;
}

type ScopeTest = (subject: Subject) => Progress;
const nothing: FieldSet = { only: true, fields: new Set() };
const pass: ScopeTest = () => progress.allowed;
const refuse: ScopeTest = () => progress.scope;

export function compileBound(node: ResourceNode): Bound {
  const branches = branchesOf(node);
  if (branches === undefined) return compileLeaf(node as ResourceLeaf);
  const bounds = branches.nodes.map(compileBound);
  return branches.every ? allOf(bounds) : anyOf(bounds);
}

/** Every bound must hold; with none, everything does. */
export function allOf(bounds: readonly Bound[]): Bound {
  const [only] = bounds;
  if (only !== undefined && bounds.length === 1) return only;
  return {
    check(subject, scope) {
      let least: Progress = progress.allowed;
      for (const bound of bounds) {
        const reached = bound.check(subject, scope);
        if (reached < least) least = reached;
      }
      return least;
    },
    visible: (subject) => bounds.reduce((fields, bound) => intersectFields(fields, bound.visible(subject)), everyField),
  };
}

function anyOf(bounds: readonly Bound[]): Bound {
  return {
    check(subject, scope) {
      let most: Progress = progress.permission;
      for (const bound of bounds) {
        const reached = bound.check(subject, scope);
        if (reached === progress.allowed) return reached;
        if (reached > most) most = reached;
      }
      return most;
    },
    visible: (subject) => bounds.reduce((fields, bound) => uniteFields(fields, bound.visible(subject)), nothing),
  };
}

function compileLeaf(leaf: ResourceLeaf): Bound {
  const covers = compileTarget(leaf);
  const scopes = compileScopes(leaf.scopes?.tunnels);
  const list = leaf.scopes?.tunnels.list;
  const fields = fieldSet(typeof list === 'object' ? list.select : undefined);
  const check = (subject: Subject, scope: ScopeName | undefined): Progress => {
    if (!covers(subject)) return progress.target;
    return scope === undefined ? progress.allowed : scopes[scope](subject);
  };
  return { check, visible: (subject) => (check(subject, 'list') === progress.allowed ? fields : nothing) };
}

// Without a target a leaf says nothing about where; the other layers do.
function compileTarget({ workspaces, projects }: ResourceLeaf): (subject: Subject) => boolean {
  if (workspaces !== undefined) {
    const ids = new Set(workspaces);
    return ({ project, workspaceId }) => {
      const id = project?.workspaceId ?? workspaceId;
      return id === undefined || ids.has(id);
    };
  }
  if (projects === undefined) return () => true;
  const ids = new Set(projects);
  return ({ project, workspaceId }) => (project === undefined ? workspaceId === undefined : ids.has(project.id));
}

function compileScopes(scopes: TunnelScopes | undefined): Readonly<Record<ScopeName, ScopeTest>> {
  if (scopes === undefined) return { create: pass, connect: pass, list: pass };
  return { create: compileScope(scopes.create), connect: compileScope(scopes.connect), list: compileScope(scopes.list) };
}

function compileScope(scope: NonNullable<TunnelScopes['create'] | TunnelScopes['connect'] | TunnelScopes['list']> | undefined): ScopeTest {
  if (typeof scope !== 'object') return scope === true ? pass : refuse;
  const passes = scope.filters === undefined ? undefined : compileFilter(scope.filters);
  const path = 'params' in scope ? scope.params?.path : undefined;
  const pathTest = path === undefined ? undefined : compilePath(path);
  if (passes === undefined && pathTest === undefined) return pass;
  return (subject) => {
    if (subject.tunnel === undefined) return progress.allowed;
    if (passes !== undefined && !passes(subject.tunnel)) return progress.filter;
    return pathTest === undefined ? progress.allowed : pathTest(subject);
  };
}

function compilePath(match: Match): ScopeTest {
  const matches = compileMatch(match);
  return ({ path }) => {
    const normalised = path === undefined ? undefined : normalisedPath(path);
    return normalised !== undefined && matches(normalised) ? progress.allowed : progress.path;
  };
}
