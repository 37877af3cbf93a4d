import { spawnSync } from 'node:child_process';
import type { ReadStream } from 'node:tty';

/**
 * Puts a terminal in raw mode, in which every key goes to the device and every byte of it to the screen. The returned function
 * puts it back; so does the end of this process, whatever ends it short of KILL.
 */
export function enterRawMode(input: ReadStream): () => void {
  const restore = (): void => {
    process.off('exit', restore);
    // A terminal that is gone cannot be put back.
    if (!input.destroyed) input.setRawMode(false);
  };
  process.on('exit', restore);
  input.setRawMode(true);
  passOutputAsItIs();
  return restore;
}

/** Node's raw mode still turns a line feed into a new line, which ruins what full-screen programs draw. */
function passOutputAsItIs(): void {
  // Without such a program the terminal is usable, only less exact.
  if (process.platform !== 'win32') spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
}
