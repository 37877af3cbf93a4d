/* A TCP relay as a process that holds every byte for half a round trip in each direction: `delay-line.ts RTT_MS PORT`. What is
   under way in one direction is bounded as the kernel bounds a TCP connection by default (6 MiB of receive buffer). */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const mostUnderWay = 6 * 1024 * 1024;
const [rtt, port] = process.argv.slice(2).map(Number);

function delay(from: Socket, to: Socket, ms: number): void {
  const underWay: Array<{ due: number; chunk: Buffer | undefined }> = [];
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const release = (): void => {
    timer = undefined;
    const now = performance.now();
    for (let first = underWay[0]; first !== undefined && first.due <= now; first = underWay[0]) {
      underWay.shift();
      if (first.chunk === undefined) to.end();
      else {
        bytes -= first.chunk.length;
        to.write(first.chunk);
      }
    }
    if (bytes < mostUnderWay && from.isPaused()) from.resume();
    const next = underWay[0];
    if (next !== undefined) timer = setTimeout(release, Math.max(0, next.due - now));
  };
  const hold = (chunk: Buffer | undefined): void => {
    underWay.push({ due: performance.now() + ms, chunk });
    bytes += chunk?.length ?? 0;
    if (bytes >= mostUnderWay) from.pause();
    timer ??= setTimeout(release, ms);
  };
  from.on('data', hold);
  from.on('end', () => hold(undefined));
  from.on('error', () => to.destroy());
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ port: port ?? 0, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  delay(near, far, (rtt ?? 0) / 2);
  delay(far, near, (rtt ?? 0) / 2);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
