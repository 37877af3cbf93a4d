import { ControlAction, SessionRole } from '@rstream/protocol/webtty';
import { approve, needsApproval } from '../approval.ts';
import type { Caller } from '../caller.ts';
import { auditedCommand, callerFields } from '../record.ts';
import type { SessionHost } from './host.ts';
import type { Session } from './session.ts';
import type { Viewer } from './viewer.ts';

/**
 * Whether a controller may give input, as the device's policy has it. One that may not goes on as a viewer, is told so, and the
 * refusal is on record.
 */
export function typingApproval(host: SessionHost, { session, viewer, caller }: Typing): () => Promise<boolean> {
  const policy = host.options.policy ?? {};
  const { plan, id } = session.parts;
  if (plan.terminal === undefined || !needsApproval(policy, 'write')) return () => Promise.resolve(true);
  return async () => {
    const { argv, cwd, account } = plan;
    const answer = await approve(policy, { what: 'write', argv, cwd, user: account.user, terminal: true, caller });
    if (answer.approved) return true;
    viewer.role = SessionRole.VIEWER;
    viewer.tell({ action: ControlAction.REFUSE });
    viewer.tell({ action: ControlAction.ROLE });
    host.options.onRecord?.({
      ...callerFields(caller),
      session_id: id,
      command: auditedCommand(argv),
      decision: 'refused',
      reason: 'ERR_RSTREAM_COMMAND_DENIED',
      exit_code: null,
      signal: null,
      duration_ms: 0,
      stdin_bytes: 0,
      stdout_bytes: 0,
      stderr_bytes: 0,
    });
    return false;
  };
}

interface Typing {
  readonly session: Session;
  readonly viewer: Viewer;
  readonly caller: Caller;
}
