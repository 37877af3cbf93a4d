// Swaps the folder `swapped` for a link out of the root and back, as fast as it can, until it is told to stop.
import { renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

const { root, outside } = workerData;
const [name, kept, link] = ['swapped', '.kept', '.link'].map((part) => join(root, part));
symlinkSync(outside, link);
let running = true;
parentPort.on('message', () => {
  running = false;
});
const swap = () => {
  for (let round = 0; round < 20; round += 1) {
    renameSync(name, kept);
    renameSync(link, name);
    renameSync(name, link);
    renameSync(kept, name);
  }
  if (running) setImmediate(swap);
  else parentPort.close();
};
parentPort.postMessage('ready');
swap();
