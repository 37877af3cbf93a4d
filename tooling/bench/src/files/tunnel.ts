import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessWorld } from '@rstream/testkit';
import type { FileServer } from './servers.ts';

/** The sidecar of a device that publishes itself: every byte passes the edge, the relay's session and the device's. */
export async function startTunnel(folder: string): Promise<{ server: FileServer; close(): Promise<void> }> {
  const root = join(folder, 'tunnel');
  mkdirSync(root);
  const world = await ProcessWorld.start();
  try {
    await world.startDevice('device', ['--fs-root', root, '--fs-max-upload-size', '2GiB', '--publish', '--hostname', 'device']);
    const token = readFileSync(await world.createToken({ name: 'visitor', permissions: ['tunnels.streams.create-delete'] }), 'utf8').trim();
    const ready = readdirSync(world.folder).find((name) => name.startsWith('device-') && name.endsWith('.ready.json')) ?? '';
    const { forwarding } = JSON.parse(readFileSync(join(world.folder, ready), 'utf8')) as { forwarding: string };
    const { host, port } = new URL(forwarding);
    return {
      server: {
        name: 'through the tunnel',
        url: `http://127.0.0.1:${port}/fs`,
        root,
        headers: { host, authorization: `Bearer ${token}` },
        pid: undefined,
        close: () => undefined,
      },
      close: () => world.close(),
    };
  } catch (error) {
    await world.close();
    throw error;
  }
}
