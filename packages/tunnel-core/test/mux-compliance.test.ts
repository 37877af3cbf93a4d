import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { linkedPair } from '../src/mux/linked-pair.ts';
import { sessionCompliance } from '../src/testing/compliance.ts';

sessionCompliance('a linked pair', () => Promise.resolve({ ends: linkedPair() }));

sessionCompliance('TCP', async () => {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const near = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(listener, 'connection')) as [Socket];
  return { ends: [near, far], release: () => void listener.close() };
});
