import { open } from 'node:fs/promises';
import { parseCheckpoint, parseStart, type Checkpoint } from './chain.ts';
import { chainPath } from './directory.ts';

/** More than one line of a sidecar can take. */
const lineRoom = 1_024;

/** The two ends of a recording's chain. */
export interface ChainEnds {
  readonly start: string | undefined;
  readonly last: Checkpoint | undefined;
}

/** Reads the first and the last whole line of a chain; undefined when there is none. */
export async function readChainEnds(recording: string): Promise<ChainEnds | undefined> {
  try {
    await using file = await open(chainPath(recording), 'r');
    const { size } = await file.stat();
    const read = async (position: number): Promise<string> => {
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(lineRoom), position });
      return buffer.toString('latin1', 0, bytesRead);
    };
    const [head, tail] = [await read(0), await read(Math.max(0, size - lineRoom))];
    const last = tail.slice(0, tail.lastIndexOf('\n') + 1);
    return {
      start: parseStart(head.slice(0, head.indexOf('\n') + 1)),
      last: parseCheckpoint(last.slice(last.lastIndexOf('\n', last.length - 2) + 1)),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
