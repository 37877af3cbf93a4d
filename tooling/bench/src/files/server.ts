/* One sidecar in a process of its own: prints its port, and on a line of input the longest time that its loop was held since the last. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { createSidecar } from '@rstream/webdav-sidecar';

/** Between two looks of the monitor, ms; it is in every figure. */
const RESOLUTION = 1;

const sidecar = createSidecar({ root: process.argv[2] ?? '', maxUploadBytes: Number.MAX_SAFE_INTEGER });
const server = createServer(sidecar.handle).listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
// Only between two lines: the monitor itself wakes the loop a thousand times a second.
let isOn = false;
createInterface({ input: process.stdin }).on('line', () => {
  console.log((delay.max / 1e6).toFixed(2));
  isOn = isOn ? !delay.disable() : delay.enable();
  delay.reset();
});
