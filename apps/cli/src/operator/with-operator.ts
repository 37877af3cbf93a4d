import { resolveContext } from '@rstream/config';
import { contextFlags, type GlobalOptions } from '../globals.ts';
import { createLogger } from '../log.ts';
import { openOperator } from './open.ts';
import type { Operator } from './operator.ts';

/** Runs `work` with an operator for the context that the global options select, and closes it afterwards. */
export async function withOperator<Result>(globals: GlobalOptions, work: (operator: Operator) => Promise<Result>): Promise<Result> {
  const logger = createLogger(globals);
  const context = await resolveContext({ flags: contextFlags(globals) });
  logger.debug('context resolved', { context: context.name, engine: context.engine, token_source: context.tokenSource });
  const operator = openOperator(context, { logger });
  try {
    return await work(operator);
  } finally {
    await operator.close();
  }
}
