import { setTimeout as sleep } from 'node:timers/promises';
import { RstreamError } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';
import type { Operator } from '../../operator/operator.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';

const POLL_MS = 50;

/** Ends a process that is not our child: asks, waits up to `mcpLimits.leaseStop`, then kills it. Never hits a process that merely has the same number. */
export async function endForeignProcess(target: ProcessIdentity, signal: AbortSignal): Promise<void> {
  if (!(await isAlive(target))) return;
  process.kill(target.pid, 'SIGTERM');
  const deadline = performance.now() + mcpLimits.leaseStop.default;
  while (performance.now() < deadline) {
    // Only a parent is told of an exit, so all others have to look.
    await sleep(POLL_MS, undefined, { signal });
    if (!(await isAlive(target))) return;
  }
  if (await isAlive(target)) process.kill(target.pid, 'SIGKILL');
}

/** Asks the engine until it no longer lists the tunnel; `unconfirmed` when it still does after `mcpLimits.leaseGone`, or cannot be asked. */
export async function confirmGone(operator: Promise<Operator>, tunnelId: string, signal: AbortSignal): Promise<'gone' | 'unconfirmed'> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(mcpLimits.leaseGone.default)]);
  try {
    const engine = await (await operator).engine();
    for (;;) {
      await engine.tunnels.get(tunnelId, { signal: limit });
      await sleep(POLL_MS * 2, undefined, { signal: limit });
    }
  } catch (error) {
    const gone = RstreamError.is(error) && (error.code === 'TUNNEL_NOT_FOUND' || error.code === 'NOT_FOUND');
    return gone ? 'gone' : 'unconfirmed';
  }
}
