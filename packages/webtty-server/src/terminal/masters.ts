import type { StdioOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

/** Master ends of the terminals of this process. The native module opens them without close-on-exec. */
const masters = new Set<number>();

export function rememberMaster(descriptor: number): void {
  masters.add(descriptor);
}

/** Call when the descriptor is closed. */
export function forgetMaster(descriptor: number): void {
  masters.delete(descriptor);
}

type Stdio = Extract<StdioOptions, readonly unknown[]>;

/**
 * Starts a child that gets none of the terminals: whoever holds a master reads and writes another session. Their numbers are
 * taken by the null device in the child, because Node can neither close a descriptor there nor mark one close-on-exec.
 */
export function withoutMasters<Child>(stdio: Stdio, start: (stdio: Stdio) => Child): Child {
  if (masters.size === 0) return start(stdio);
  const nothing = openSync(devNull, 'r');
  const masked: Stdio = [...stdio];
  for (let descriptor = masked.length; descriptor <= Math.max(...masters); descriptor += 1) {
    masked.push(masters.has(descriptor) ? nothing : 'ignore');
  }
  try {
    return start(masked);
  } finally {
    closeSync(nothing);
  }
}
