import { Console } from 'node:console';
import { Writable } from 'node:stream';

/**
 * Makes stdout the protocol's alone: whatever else in this process prints goes to stderr from now on. One stray line would
 * break the client's parser.
 *
 * @returns the only stream that still writes to stdout
 */
export function guardStdout(): Writable {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  const protocol = new Writable({
    decodeStrings: false,
    write: (chunk: string | Buffer, encoding, done) => void write(chunk, encoding, done),
  });
  stdout.on('error', (error) => protocol.destroy(error));
  stdout.write = stderr.write.bind(stderr);
  globalThis.console = new Console(stderr, stderr);
  return protocol;
}
