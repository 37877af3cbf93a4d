// The ceiling of the exec benchmark: a local command's output through one multiplexer stream over loopback TCP to standard
// output. The two ends are two processes, as device and workstation are. `node local-pipe.ts COMMAND …`
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { createSession } from '@rstream/tunnel-core';

const [, , ...command] = process.argv;

if (process.env['BENCH_PIPE_PORT'] === undefined) {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    const session = createSession(socket, {
      role: 'server',
      onStream: (stream) => {
        stream.end();
        void pipeline(stream, process.stdout, { end: false }).then(() => {
          session.close();
          server.close();
        });
      },
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = String((server.address() as AddressInfo).port);
  spawn(process.execPath, [...process.execArgv, import.meta.filename, ...command], {
    env: { ...process.env, BENCH_PIPE_PORT: port },
    stdio: 'inherit',
  });
} else {
  const socket = connect(Number(process.env['BENCH_PIPE_PORT']), '127.0.0.1');
  await once(socket, 'connect');
  socket.setNoDelay(true);
  const session = createSession(socket, { role: 'client' });
  const stream = session.open();
  const [file = 'true', ...args] = command;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  stream.resume();
  await pipeline(child.stdout, stream);
  await session.closed;
}
