import { family, residentKiB } from '../cpu.ts';
import type { Device } from './device.ts';
import type { HostedTerminal, TerminalHost } from './terminal-host.ts';
import { Viewer } from './viewer.ts';

const AT_ONCE = 20;

export interface IdleMemory {
  readonly sessions: number;
  readonly hostMiB: number;
  readonly kibEach: number;
  readonly childrenMiB: number;
}

const mib = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + residentKiB(pid), 0) / 1024;

async function measure(pid: number, sessions: number, open: () => Promise<HostedTerminal>): Promise<IdleMemory> {
  const before = residentKiB(pid);
  const viewers: Viewer[] = [];
  while (viewers.length < sessions) {
    const batch = Array.from({ length: Math.min(AT_ONCE, sessions - viewers.length) }, async () => {
      const viewer = new Viewer(await open());
      await viewer.type("echo he''re\n", 'here');
      return viewer;
    });
    viewers.push(...(await Promise.all(batch)));
  }
  const after = residentKiB(pid);
  const children = mib(family(pid).slice(1));
  await Promise.all(viewers.map((viewer) => viewer.close()));
  return { sessions, hostMiB: after / 1024, kibEach: (after - before) / sessions, childrenMiB: children };
}

/** Memory of the agent alone, and of the shells below it, with so many idle terminals. */
export const idleDevice = (device: Device, sessions: number): Promise<IdleMemory> => measure(device.agent, sessions, () => device.open());

/** The same for a peer of one process. */
export const idlePeer = (host: TerminalHost, sessions: number): Promise<IdleMemory> =>
  measure(host.pids[0] ?? 0, sessions, () => host.open());
