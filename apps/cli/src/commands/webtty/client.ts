import { toRstreamError } from '@rstream/protocol';
import { exitStatus, exitStatusOfError, openTerminal } from '@rstream/webtty-client';
import { defineCommand } from '../../command.ts';
import { repeated, text, usage } from '../../option.ts';
import { withOperator } from '../../operator/with-operator.ts';
import { printError } from '../../report.ts';
import { attach, currentViewport } from '../../terminal/attach.ts';
import { parseDetachKey } from '../../terminal/detach-key.ts';
import { EndingSignals } from '../../terminal/ending-signals.ts';
import { environment } from './environment.ts';

export const command = defineCommand({
  summary: 'open a terminal on a device',
  description:
    'Without a command it is the login shell of the account on the device, whose owner must have allowed terminals. Every key goes to ' +
    'the device, Ctrl-C too. Exit code: that of the program, 128+n when signal n ended it, 125 when it could not be opened or the ' +
    'connection was lost, which ends it on the device too, 126 when it was denied, 127 when it was not found, 0 after the detach key.',
  arguments: [
    { name: '[device]', about: 'rstrm://NAME' },
    { name: '[command...]', about: 'program and arguments, after --' },
  ],
  options: {
    url: text('--url <url>', 'the device, when it is not the first argument'),
    env: repeated('-e, --env <key=value>', 'set a variable; KEY alone copies its local value; repeatable'),
    workdir: text('-w, --workdir <dir>', 'working directory on the device (default: the home directory)'),
    user: text('-u, --user <name>', 'account on the device'),
    detachKey: text('--detach-key <key>', 'key that leaves the terminal and ends it on the device, such as ctrl-] (default: none)'),
  },
  examples: ['rstream webtty client rstrm://pi', 'rstream webtty client rstrm://pi -- htop'],
  signals: 'own',
  async run({ args, options, globals }) {
    const [url, argv] = options.url === undefined ? [args[0], args.slice(1)] : [options.url, args];
    if (url === undefined)
      throw usage('Say which device: rstream webtty client rstrm://NAME', 'List the devices with: rstream webtty list');
    const detachByte = options.detachKey === undefined ? undefined : parseDetachKey(options.detachKey);
    if (!process.stdin.isTTY) {
      throw usage('stdin is not a terminal.', 'To run a command without one: rstream webtty exec --url rstrm://NAME -i -o text -- COMMAND');
    }
    const { workdir: cwd, user } = options;
    const request = { ...currentViewport(), argv, env: environment(options.env), cwd, user, term: process.env['TERM'] };
    const signals = new EndingSignals();
    try {
      return await withOperator(globals, async (operator) => {
        const transport = await operator.dialDevice(url, signals.signal);
        const terminal = await openTerminal(transport, request, { signal: signals.signal });
        const { outcome, detached } = await attach(terminal, detachByte);
        const { exitCode, signal, timedOut, cancelled } = outcome;
        return detached ? 0 : (signals.exitCode ?? exitStatus({ exit_code: exitCode, signal, timed_out: timedOut, cancelled }));
      });
    } catch (error) {
      if (signals.exitCode !== undefined) return signals.exitCode;
      const report = toRstreamError(error);
      if (report.code === 'ERR_RSTREAM_USAGE') throw error;
      printError(report, { json: false });
      return exitStatusOfError(report);
    } finally {
      signals.release();
    }
  },
});
