import type { JobInfo } from '@rstream/protocol/exec';
import type { SessionInfo } from '@rstream/protocol/webtty';
import { listSessions } from '@rstream/webtty-client';
import { jobInfo } from '../job/info.ts';
import type { Device } from '../remote-command/device.ts';

/** A session of a device as JSON shows it. */
export interface SessionView extends Omit<JobInfo, 'job_id' | 'handle'> {
  readonly session_id: string;
  readonly kind: 'terminal' | 'command' | 'job';
  /** Connections that look at it, the controller's included. */
  readonly viewers: number;
  /** Live read-only shares. */
  readonly shares: number;
}

export function sessionView(url: string, info: SessionInfo): SessionView {
  const { job_id: id, handle: _handle, ...rest } = jobInfo(url, info);
  const kind = info.detached ? 'job' : info.terminal ? 'terminal' : 'command';
  return { session_id: id, kind, viewers: info.viewers, shares: info.shares, ...rest };
}

/** The caller's sessions on a device, the newest first. */
export async function listSessionViews({ url, connect }: Device, signal: AbortSignal): Promise<SessionView[]> {
  const sessions = await listSessions(await connect(signal), { signal });
  return sessions.toSorted((a, b) => b.startedAtMs - a.startedAtMs).map((info) => sessionView(url, info));
}
