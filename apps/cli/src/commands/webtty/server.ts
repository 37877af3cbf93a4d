import { toRstreamError } from '@rstream/protocol';
import { defineCommand } from '../../command.ts';
import { agentArguments } from '../../device-agent/arguments.ts';
import { contextArguments } from '../../device-agent/context.ts';
import { findAgent } from '../../device-agent/find.ts';
import { runAgent } from '../../device-agent/run.ts';
import { flag, text } from '../../option.ts';
import { printError } from '../../report.ts';

const NOT_FOUND = 127;

export const command = defineCommand({
  summary: 'let this machine take commands and terminals',
  description:
    'Runs rstream-agent with the engine and the credential of the context, and ends as it does. Its options are those of rstream-agent ' +
    'run, whatever they are: --name, --label, --publish, --allow-terminal, --execution-mode, --login-user, --allow-client-user, ' +
    '--max-sessions, --shutdown-timeout and more. A device is private unless --publish is given. The credential is handed over in a ' +
    'file that only you can read. Exit code: that of the agent; 127 when it is not installed. RSTREAM_AGENT_BIN names another program.',
  arguments: [{ name: '[options...]', about: 'options of rstream-agent run' }],
  options: {
    rstream: flag('--rstream', 'serve through a tunnel; always so'),
    webttyConfig: text('--webtty-config <file>', 'settings of the agent in YAML (RSTREAM_WEBTTY_CONFIG); its options win'),
  },
  examples: ['rstream webtty server --name pi --allow-terminal', 'rstream webtty server --name pi --label site=lab --context home'],
  unknownOptions: true,
  signals: 'own',
  async run({ args, options, globals }) {
    const settings = options.webttyConfig ?? process.env['RSTREAM_WEBTTY_CONFIG'] ?? '';
    const given = settings === '' ? args : ['--config', settings, ...args];
    try {
      const agent = findAgent(process.env['RSTREAM_AGENT_BIN'], process.argv[1] ?? '');
      const { token, ...context } = await contextArguments(given, globals);
      try {
        return await runAgent({ command: agent.command, args: [...agent.args, ...agentArguments(given, context)] });
      } finally {
        token?.remove();
      }
    } catch (error) {
      const report = toRstreamError(error);
      if (report.code !== 'ERR_RSTREAM_AGENT_NOT_FOUND') throw error;
      printError(report, { json: false });
      return NOT_FOUND;
    }
  },
});
