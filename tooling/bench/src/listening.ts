import { connect } from 'node:net';

const DEADLINE_MS = 15_000;

/** Waits until something accepts connections on the port of this machine. */
export async function listening(port: number): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  const accepts = (): Promise<boolean> =>
    new Promise((done) => {
      const socket = connect(port, '127.0.0.1')
        .on('connect', () => {
          socket.destroy();
          done(true);
        })
        .on('error', () => setTimeout(done, 20, false));
    });
  while (!(await accepts())) if (performance.now() > deadline) throw new Error(`nothing listens on ${port}`);
}
