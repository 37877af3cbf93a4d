import { toRstreamError } from '@rstream/protocol';
import { exitStatusOfError } from '@rstream/webtty-client';
import { defineCommand } from '../../command.ts';
import { flag, repeated, text, usage, type OptionValues } from '../../option.ts';
import { withExecPath } from '../../operator/target.ts';
import { withOperator } from '../../operator/with-operator.ts';
import { deviceAt } from '../../remote-command/device.ts';
import { environment } from '../../remote-command/environment.ts';
import { accountOf } from '../../remote-command/request.ts';
import { printError } from '../../report.ts';
import { attachHere, type AttachHereOptions } from '../../terminal/attach-here.ts';
import { parsePrefixKey } from '../../terminal/prefix-key.ts';

const options = {
  url: text('--url <url>', 'the device, when it is not the first argument'),
  session: text('--session <id>', 'come back to a terminal that runs already, instead of opening one'),
  readOnly: flag('--read-only', 'look only: nothing that is typed goes to the device'),
  record: flag('--record', 'ask the device to record the session'),
  label: text('--label <text>', 'what the session is called in lists'),
  env: repeated('-e, --env <key=value>', 'set a variable; KEY alone copies its local value; repeatable'),
  workdir: text('-w, --workdir <dir>', 'working directory on the device (default: the home directory)'),
  user: text('-u, --user <name>', 'account on the device, by name or number'),
  execPath: text('--exec-path <path>', 'path of the commands of the device, when it is not /'),
  detachKey: text('--detach-key <key>', 'the key before the keys below, such as ctrl-p, or none (default: ctrl-])'),
};
type Options = OptionValues<typeof options>;

export const command = defineCommand({
  summary: 'open a terminal on a device, or come back to one',
  description:
    'Without a command it is the login shell of the account on the device, whose owner must have allowed terminals. Every key goes to ' +
    'the device, Ctrl-C too, except after ctrl-]: d leaves the terminal running and says how to come back, q hangs up and ends it, l ' +
    'shows the latency, r tries again at once when the connection is lost, a asks for control, y and n answer who asks, ? shows the ' +
    'keys, ctrl-] is sent itself. A lost connection is made again for 5 minutes while the program goes on. Exit code: that of the ' +
    'program, 128+n when signal n ended it, 125 when it could not be opened or the connection was lost for good, 126 when it was ' +
    'denied, 127 when it was not found, 0 after it was left.',
  arguments: [
    { name: '[device]', about: 'rstrm://NAME' },
    { name: '[command...]', about: 'program and arguments, after --' },
  ],
  options,
  examples: [
    'rstream webtty client rstrm://pi',
    'rstream webtty client rstrm://pi -- htop',
    'rstream webtty client rstrm://pi --session ses_4f1c --read-only',
  ],
  signals: 'own',
  async run({ args, options: given, globals }) {
    const [url, argv] = given.url === undefined ? [args[0], args.slice(1)] : [given.url, args];
    if (url === undefined)
      throw usage('Say which device: rstream webtty client rstrm://NAME', 'List the devices with: rstream webtty list');
    const attach = attachOptions(argv, given);
    if (!process.stdin.isTTY) {
      throw usage('stdin is not a terminal.', 'To run a command without one: rstream webtty exec --url rstrm://NAME -i -o text -- COMMAND');
    }
    try {
      return await withOperator(globals, async (operator) => {
        const { exitCode, goesOn } = await attachHere(deviceAt(operator, withExecPath(url, given.execPath)), attach);
        if (goesOn !== undefined) {
          process.stderr.write(`Left; the terminal goes on. Come back with: rstream webtty client ${url} --session ${goesOn}\n`);
        }
        return exitCode;
      });
    } catch (error) {
      const report = toRstreamError(error);
      if (report.code === 'ERR_RSTREAM_USAGE') throw error;
      printError(report, { json: false });
      return exitStatusOfError(report);
    }
  },
});

function attachOptions(argv: readonly string[], given: Options): AttachHereOptions {
  const { session: sessionId, readOnly: isReadOnly, record, label, env, workdir: cwd, user } = given;
  const how = { isReadOnly, label, prefix: parsePrefixKey(given.detachKey) };
  if (sessionId === undefined) {
    const request = { argv, env: environment(env), cwd, user: accountOf(user), record, term: process.env['TERM'] };
    return { ...how, request };
  }
  const ofNew = argv.length > 0 || record || label !== undefined || env.length > 0 || cwd !== undefined || user !== undefined;
  if (ofNew) throw usage('--session is a terminal that runs already: it takes no command, --record, --label, --env, --workdir or --user.');
  return { ...how, request: { sessionId } };
}
