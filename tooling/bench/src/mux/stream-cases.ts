import { once } from 'node:events';
import type { Duplex } from 'node:stream';

/** One measured piece of work; the Go peer runs the same ones. */
export interface Case {
  readonly do: 'bulk' | 'small' | 'pingpong' | 'opens';
  readonly streams: number;
  /** All bytes together, for `bulk` and `small`. */
  readonly bytes: number;
  /** Bytes of one write. */
  readonly size: number;
  /** Round trips, or streams opened, all together. */
  readonly count: number;
}

export type Open = () => Duplex;

/** Serves one stream: its first byte says whether to echo the rest ('E') or to count it and answer one byte ('S'). */
export function serve(stream: Duplex): void {
  stream.on('error', () => stream.destroy());
  stream.once('data', (first: Buffer) => {
    if (first[0] === 0x45) {
      if (first.length > 1) stream.write(first.subarray(1));
      stream.pipe(stream);
      return;
    }
    stream.on('data', () => {});
    stream.on('end', () => stream.end(Buffer.of(1)));
  });
}

/** Runs one case over streams that `open` gives. */
export async function runCase(open: Open, work: Case): Promise<void> {
  switch (work.do) {
    case 'bulk':
    case 'small':
      return await parallel(work.streams, () => upload(open, work.bytes / work.streams, work.size));
    case 'pingpong':
      return await pingPong(open, work);
    case 'opens':
      return await parallel(work.streams, () => opens(open, work.count / work.streams));
  }
}

async function parallel(count: number, each: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, each));
}

async function upload(open: Open, bytes: number, size: number): Promise<void> {
  const stream = open();
  const chunk = Buffer.alloc(size);
  const answered = once(stream.resume(), 'end');
  stream.write('S');
  await new Promise<void>((resolve) => {
    let sent = 0;
    const pump = (): void => {
      while (sent < bytes) {
        sent += size;
        if (!stream.write(chunk) && sent < bytes) return void stream.once('drain', pump);
      }
      stream.end();
      resolve();
    };
    pump();
  });
  await answered;
}

async function pingPong(open: Open, { size, count }: Case): Promise<void> {
  const stream = open();
  const chunk = Buffer.alloc(size);
  stream.write('E');
  await new Promise<void>((resolve) => {
    let received = 0;
    stream.on('data', (data: Buffer) => {
      received += data.length;
      if (received === size * count) resolve();
      else if (received % size === 0) stream.write(chunk);
    });
    stream.write(chunk);
  });
  stream.destroy();
}

async function opens(open: Open, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    const stream = open();
    const ended = once(stream.resume(), 'end');
    stream.end('Ex');
    await ended;
  }
}
