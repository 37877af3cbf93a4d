// Holds many idle tunnels, one session each: `node idle-holder.ts ENGINE COUNT`; the token comes on standard input.
// Prints one line of JSON when all are open and stays until it is ended.
import { text } from 'node:stream/consumers';
import { protocolVersion } from '@rstream/protocol';
import { connect } from '@rstream/tunnel-core';

const [, , engine = '', count = '0'] = process.argv;
const token = (await text(process.stdin)).trim();
const WIDTH = 50;
let next = 0;

await Promise.all(
  Array.from({ length: WIDTH }, async () => {
    for (let index = next++; index < Number(count); index = next++) {
      const session = await connect({
        engine,
        token,
        client: { agent: 'idle-holder', version: '0.0.0', protocol_version: protocolVersion },
      });
      await session.listen({ name: `idle-${index}`, publish: false });
    }
  }),
);
console.log(JSON.stringify({ open: Number(count) }));
