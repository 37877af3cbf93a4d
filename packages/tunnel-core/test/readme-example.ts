import { readFile } from 'node:fs/promises';

declare function report(state: string, forwarding: string | undefined): void;

// README: from here to the end, compiled with the rest of the tree.
import { forwardTo, keepConnected } from '@rstream/tunnel-core';

const connection = keepConnected({
  engine: 'f587ee53.rstream.localhost:8080',
  token: () => readFile('token', 'utf8'),
  client: { agent: 'example', version: '1.0.0', protocol_version: '1.4.5' },
});
const listener = connection.listen({ name: 'web', protocol: 'http' }, forwardTo({ port: 3000, pool: true }));
listener.on('status', ({ state, forwarding }) => report(state, forwarding));
export const stream = await connection.dial('web');
