import { once } from 'node:events';
import { defineCommand } from '../../../command.ts';
import { openGateway } from '../../../files/gateway/gateway.ts';
import { listenAddress } from '../../../files/gateway/loopback.ts';
import { remoteLocation } from '../../../files/location.ts';
import { deviceFiles, remoteOptions } from '../../../files/with-files.ts';
import { createLogger } from '../../../log.ts';
import { choice, flag, text } from '../../../option.ts';
import { withOperator } from '../../../operator/with-operator.ts';
import { limits } from '@rstream/protocol/limits';

export const command = defineCommand({
  summary: 'put the files of a device on a local port, to mount them',
  description:
    'WebDAV for rclone, davfs2, Finder, Explorer and editors, until Ctrl-C. User and password are made anew for each run and printed ' +
    'once; every request must bring them.',
  arguments: [{ name: '[device]', about: 'rstrm://NAME' }],
  options: {
    ...remoteOptions,
    listen: text('--listen <host:port>', 'where to listen (127.0.0.1:0, a free port)'),
    allowRemote: flag('--allow-remote', 'listen on an address that other machines reach; nothing is encrypted there'),
    readOnly: flag('--read-only', 'let nothing through that changes something'),
    output: choice('-o, --output <mode>', ['text', 'json'], { about: 'how to print address, user and password', fallback: 'text' }),
  },
  examples: ['rstream webtty fs serve rstrm://pi', 'rstream webtty fs serve rstrm://pi --read-only -o json'],
  async run({ args: [device = '/'], options, globals, signal }) {
    const { url } = remoteLocation(device, options.url);
    const address = listenAddress(options.listen ?? '127.0.0.1:0', options);
    const logger = createLogger(globals);
    await withOperator(globals, async (operator) => {
      const call = { url, fsPath: options.fsPath, signal, connections: limits.files.maxConnections.default };
      const { http, fsPath } = await deviceFiles(operator, call);
      const gateway = await openGateway({
        http,
        fsPath: fsPath.replace(/\/+$/, ''),
        ...address,
        readOnly: options.readOnly,
        onFailure: (error) => logger.warn('request failed', { code: error.code, message: error.message }),
      });
      try {
        const { username, password } = gateway.credential;
        const lines = `url: ${gateway.url}\nusername: ${username}\npassword: ${password}\n`;
        process.stdout.write(options.output === 'json' ? `${JSON.stringify({ url: gateway.url, username, password })}\n` : lines);
        if (!signal.aborted) await once(signal, 'abort');
      } finally {
        await gateway.close();
        http.close();
      }
    });
  },
});
