import { RstreamError } from '@rstream/protocol';
import { Resources, type Filter, type Match, type ResourceLeaf, type ResourceNode } from '@rstream/protocol/claims';
import { isPattern } from './grant/pattern.ts';

/** Children of an AND or OR; undefined for a leaf. */
export function branchesOf<Node extends object>(node: Node): { readonly every: boolean; readonly nodes: readonly Node[] } | undefined {
  if ('AND' in node && Array.isArray(node.AND)) return { every: true, nodes: node.AND };
  if ('OR' in node && Array.isArray(node.OR)) return { every: false, nodes: node.OR };
  return undefined;
}

/** Every leaf of a tree, in order. */
export function leavesOf(node: ResourceNode): ResourceLeaf[] {
  // A node without branches is a leaf; the type of a leaf has only optional keys, so narrowing cannot tell.
  return branchesOf(node)?.nodes.flatMap(leavesOf) ?? [node as ResourceLeaf];
}

/** Gives each leaf that names no target the project, so that the tree says by itself where it applies. */
export function withDefaultProject(node: ResourceNode, projectId: string): ResourceNode {
  const branches = branchesOf(node);
  if (branches !== undefined) {
    const nodes = branches.nodes.map((child) => withDefaultProject(child, projectId));
    return branches.every ? { AND: nodes } : { OR: nodes };
  }
  const leaf = node as ResourceLeaf;
  return leaf.workspaces === undefined && leaf.projects === undefined ? { ...leaf, projects: [projectId] } : leaf;
}

/**
 * Resources that are about to be written into a token or a store: the shape holds, the bounds hold, and each pattern compiles.
 * Throws `INVALID_REQUEST`.
 */
export function checkedResources(value: unknown): Resources {
  const parsed = Resources.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new RstreamError('INVALID_REQUEST', `The resources are not valid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
  }
  const bad = leavesOf(parsed.data.tunnels)
    .flatMap(patternsOf)
    .find((pattern) => !isPattern(pattern));
  if (bad !== undefined) throw new RstreamError('INVALID_REQUEST', `The pattern ${JSON.stringify(bad)} is not valid or too large.`);
  return parsed.data;
}

function patternsOf(leaf: ResourceLeaf): string[] {
  const { create, connect, list } = leaf.scopes?.tunnels ?? {};
  const filters = [create, connect, list].flatMap((scope) =>
    typeof scope === 'object' && scope.filters !== undefined ? [scope.filters] : [],
  );
  const path = typeof connect === 'object' ? connect.params?.path : undefined;
  return [...filters.flatMap(filterMatches), ...(path === undefined ? [] : [path])].flatMap((match) =>
    typeof match === 'object' && 'regex' in match ? [match.regex] : [],
  );
}

function filterMatches(filter: Filter): Match[] {
  const branches = branchesOf(filter);
  if (branches !== undefined) return branches.nodes.flatMap(filterMatches);
  const { labels, ...fields } = filter as Record<string, Match> & { labels?: Record<string, Match> };
  return [...Object.values(fields), ...Object.values(labels ?? {})];
}
