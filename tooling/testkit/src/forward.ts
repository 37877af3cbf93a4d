import type { Child } from './child.ts';
import type { ProcessWorld } from './process-world.ts';

/** A running `rstream forward`, online. */
export interface Forward {
  readonly child: Child;
  /** Published URL. */
  readonly url: string;
  /** The status objects that it printed, oldest first. */
  statuses(): string[];
}

interface StatusLine {
  readonly status?: string;
  readonly forwarding?: string;
}

const lines = (child: Child): StatusLine[] =>
  child.stdout
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as StatusLine);

/** Publishes a local port and waits until it is online. */
export async function startForward(world: ProcessWorld, port: number, args: readonly string[] = []): Promise<Forward> {
  const child = world.spawn('rstream', ['forward', String(port), '-o', 'json', ...args]);
  const online = await child.until(() => lines(child).find(({ status }) => status === 'online'));
  return { child, url: online.forwarding ?? '', statuses: () => lines(child).flatMap(({ status }) => status ?? []) };
}
