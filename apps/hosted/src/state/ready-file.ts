import { rmSync } from 'node:fs';
import { Ready } from '@rstream/protocol/control';
import type { DataDirectory } from './data-directory.ts';
import { replaceOwnedFile } from './owned-file.ts';

/** Tells scripts that the process listens, and where. Replaces what a crashed process left. */
export function writeReadyFile(directory: DataDirectory, ready: Ready): void {
  replaceOwnedFile(directory.ready, `${JSON.stringify(Ready.parse(ready), null, 2)}\n`);
}

export function removeReadyFile(directory: DataDirectory): void {
  rmSync(directory.ready, { force: true });
}
