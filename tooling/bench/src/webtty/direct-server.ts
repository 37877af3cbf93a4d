// The device's half of the direct pair: one terminal for each connection, no relay between. Prints its port.
import { createServer, type AddressInfo } from 'node:net';
import { CommandServer } from '@rstream/webtty-server';

const commands = new CommandServer({ policy: { terminal: true }, environment: process.env });
const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => void commands.serve(socket, {}));
listener.listen(0, '127.0.0.1', () => console.log((listener.address() as AddressInfo).port));
