import type { Writable } from 'node:stream';
import { mcpLimits } from '@rstream/protocol/limits';

/** Writes one event. Never given a secret. */
export type LeaseLog = (event: string, facts?: Readonly<Record<string, unknown>>) => void;

/** Lines of JSON up to `mcpLimits.leaseLogBytes`; what comes after is dropped. */
export function leaseLog(output: Writable): LeaseLog {
  let room = mcpLimits.leaseLogBytes.default;
  return (event, facts = {}) => {
    const line = `${JSON.stringify({ at: new Date().toISOString(), event, ...facts })}\n`;
    room -= line.length;
    if (room > 0) output.write(line);
  };
}
