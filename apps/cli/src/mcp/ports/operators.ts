import { createHash } from 'node:crypto';
import { resolveContext, type ContextFlags, type ResolvedContext } from '@rstream/config';
import type { Operator } from '../../operator/operator.ts';
import { inProject } from './project.ts';

/** Operators by context, opened when first needed and shared by all calls. */
export interface Operators {
  /** The operator for the selected context, in the named project when one is given. */
  for(project?: string): Promise<Operator>;
  close(): Promise<void>;
}

const MAX_OPEN = 8;

/**
 * The configuration is read again for every call: a rotated token or a changed default takes effect at once, and the operator of
 * the old credential is closed with the next change beyond {@link MAX_OPEN}.
 */
export function operators(flags: ContextFlags): Operators {
  const open = new Map<string, Operator>();
  return {
    async for(project) {
      const context = await inProject(await resolveContext({ flags }), project, flags);
      const key = identity(context);
      const known = open.get(key);
      if (known !== undefined) return known;
      const { openOperator } = await import('../../operator/open.ts');
      const operator = open.get(key) ?? openOperator(context, { agent: 'rstream-mcp' });
      open.set(key, operator);
      await closeOldest(open);
      return operator;
    },
    async close() {
      await Promise.allSettled([...open.values()].map((operator) => operator.close()));
    },
  };
}

async function closeOldest(open: Map<string, Operator>): Promise<void> {
  const [oldest] = open;
  if (open.size <= MAX_OPEN || oldest === undefined) return;
  open.delete(oldest[0]);
  await oldest[1].close();
}

/** The credential takes part in the key as a hash only. */
function identity(context: ResolvedContext): string {
  const { name, engine, apiUrl, projectEndpoint } = context;
  const credential = createHash('sha256').update(context.token).digest('hex');
  return JSON.stringify([name, engine, apiUrl, projectEndpoint, credential]);
}
