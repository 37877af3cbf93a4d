import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, type ProcessWorld } from '@rstream/testkit';
import { residentKiB } from '../cpu.ts';

/** What opening the tunnels left behind is collected, or has settled, before memory is read. */
const SETTLE_MS = 10_000;

/** Resident KiB that one idle tunnel (a session of its own) costs the relay. */
export async function idleTunnelKiB(world: ProcessWorld, count: number): Promise<{ held: number; kibPerTunnel: number }> {
  const before = residentKiB(world.ready.pid);
  const holder = new Child(process.execPath, [
    '--conditions=@rstream/source',
    join(import.meta.dirname, 'idle-holder.ts'),
    world.ready.engine,
    String(count),
  ]);
  world.children.push(holder);
  holder.process.stdin.end(readFileSync(world.ready.ownerTokenFile));
  const { open } = await holder.until(
    ({ stdout }) => (stdout.includes('\n') ? (JSON.parse(stdout) as { open: number }) : undefined),
    120_000,
  );
  await sleep(SETTLE_MS);
  const after = residentKiB(world.ready.pid);
  await holder.stop();
  return { held: open, kibPerTunnel: (after - before) / count };
}
