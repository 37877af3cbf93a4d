import { resolveContext, type ContextFlags } from '@rstream/config';
import { openOperator } from './open.ts';
import type { Operator } from './operator.ts';

/** Runs `work` with an operator for the selected context and closes it afterwards. */
export async function withOperator<Result>(flags: ContextFlags, work: (operator: Operator) => Promise<Result>): Promise<Result> {
  const operator = openOperator(await resolveContext({ flags }));
  try {
    return await work(operator);
  } finally {
    await operator.close();
  }
}
