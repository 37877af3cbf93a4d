import { resolveContext } from '@rstream/config';
import { defineCommand } from '../command.ts';
import { integer, optionalChoice, toggle } from '../option.ts';
import { createPresenter, forwardOutputs } from '../forward/presenter.ts';
import { parseService, propertyOptions, tunnelProperties } from '../forward/properties.ts';
import { runForward } from '../forward/run-forward.ts';
import { contextFlags } from '../globals.ts';
import { createLogger } from '../log.ts';

export const command = defineCommand({
  summary: 'give a local service a URL',
  description:
    'The tunnel is there until Ctrl-C and comes back by itself after a lost connection, under the same host name. ' +
    'With -o json each change and each connection is one JSON object on a line of its own.',
  arguments: [{ name: '[service]', about: 'PORT or HOST:PORT (localhost:8080)' }],
  options: {
    ...propertyOptions,
    retry: toggle('retry', 'connect again after a loss (the default); --no-retry: exit instead'),
    retryInterval: integer('--retry-interval <ms>', 'longest wait between two attempts', { min: 100, max: 3_600_000 }),
    output: optionalChoice('-o, --output <mode>', forwardOutputs, 'how to show what happens (xterm on a terminal, else text)'),
  },
  examples: ['rstream forward 3000', 'rstream forward 3000 --name web --token-auth -o json', 'rstream forward 5432 --name db --no-publish'],
  async run({ args: [written], options, globals, signal }) {
    const service = parseService(written);
    const properties = tunnelProperties(options);
    const presenter = createPresenter(options.output ?? (process.stdout.isTTY && !globals.verbose ? 'xterm' : 'text'));
    const maxDelay = options.retryInterval;
    const logger = createLogger(globals);
    const error = await runForward({
      context: await resolveContext({ flags: contextFlags(globals) }),
      service,
      properties,
      retry: options.retry === false ? false : maxDelay === undefined ? {} : { maxDelay, minDelay: Math.min(maxDelay, 500) },
      signal,
      onStatus(status) {
        logger.info(status.status, { tunnel_id: status.tunnel_id, forwarding: status.forwarding, code: status.error?.code });
        presenter.onStatus(status);
      },
      onConnection(connection) {
        const { active, stream_id, source_ip, error } = connection;
        logger.debug(active ? 'stream opened' : 'stream closed', { stream_id, source_ip, code: error?.code });
        presenter.onConnection(connection);
      },
    });
    presenter.end();
    // Ctrl-C is how a forward ends: that is success.
    if (error !== undefined && !signal.aborted) throw error;
  },
});
