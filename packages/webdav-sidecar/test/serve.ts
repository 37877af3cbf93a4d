/* A sidecar in a process of its own, for tests that kill it or weigh it: prints its port. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSidecar } from '@rstream/webdav-sidecar';

const sidecar = createSidecar({ root: process.argv[2] ?? '', maxUploadBytes: 16 * 1024 ** 3 });
process.on('unhandledRejection', (error) => {
  process.stderr.write(`unhandled: ${String(error)}\n`);
  process.exit(70);
});
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  process.stdout.write('collected\n');
});
const server = createServer(sidecar.handle).listen(0, '127.0.0.1', () =>
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`),
);
