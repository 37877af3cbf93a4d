import { createReadStream } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Writable } from 'node:stream';
import type { FileServer } from './servers.ts';

interface Asked {
  readonly status: number;
  readonly bytes: number;
}

interface Asking {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | { readonly file: string; readonly size: number };
}

/** One request on a connection of the agent, and its answer to the end. */
export async function ask(server: FileServer, agent: Agent, { method, path, headers = {}, body }: Asking): Promise<Asked> {
  const size = body === undefined ? 0 : Buffer.isBuffer(body) ? body.length : body.size;
  const outgoing = request(`${server.url}${path}`, { method, agent, headers: { 'content-length': size, ...server.headers, ...headers } });
  const answered = new Promise<IncomingMessage>((resolve, reject) => outgoing.once('response', resolve).once('error', reject));
  if (body === undefined || Buffer.isBuffer(body)) outgoing.end(body);
  else await pipeline(createReadStream(body.file, { highWaterMark: 1_048_576 }), outgoing);
  const response = await answered;
  let bytes = 0;
  await pipeline(
    response,
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        done();
      },
    }),
  );
  const status = response.statusCode ?? 0;
  if (status >= 400) throw new Error(`${server.name}: ${method} ${path} is ${status}`);
  return { status, bytes };
}

/** Milliseconds that something takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Requests each second, with some of them under way at once for a while. */
export async function rate(server: FileServer, milliseconds: number, asking: (index: number) => Asking): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const started = performance.now();
  let [begun, done] = [0, 0];
  const worker = async (): Promise<void> => {
    while (performance.now() - started < milliseconds) {
      begun += 1;
      // No two at once on one name: rclone refuses that.
      await ask(server, agent, asking(begun));
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  agent.destroy();
  return done / ((performance.now() - started) / 1000);
}
