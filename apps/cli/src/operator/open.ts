import type { ResolvedContext } from '@rstream/config';
import { RstreamError } from '@rstream/protocol';
import type { Operator } from './operator.ts';

export interface OperatorOptions {
  /** How the relay's client list names this process. Default `rstream-cli`. */
  readonly agent?: string;
  /** Milliseconds without a stream after which the session is closed. */
  readonly idleMs?: number;
}

/** An operator for a context. Nothing is connected until something is asked for. */
export function openOperator(_context: ResolvedContext, _options: OperatorOptions = {}): Operator {
  throw new RstreamError('FEATURE_NOT_AVAILABLE');
}
