import { limits } from '@rstream/protocol/limits';
import type { CommandRequest } from '@rstream/webtty-client';
import { duration, flag, repeated, text, usage, type OptionValues } from '../option.ts';
import { environment } from './environment.ts';

/** Options of every verb that runs a program on a device. */
export const requestOptions = {
  shell: text('--shell <text>', 'run this text with sh -c on the device, in place of arguments'),
  env: repeated('-e, --env <key=value>', 'set a variable; KEY alone copies its local value; repeatable'),
  unsetEnv: repeated('--unset-env <key>', 'take a variable out of the environment on the device; repeatable'),
  cleanEnv: flag('--clean-env', 'start from an empty environment with only PATH, HOME and the like'),
  workdir: text('-w, --workdir <dir>', 'working directory on the device (default: the home directory)'),
  user: text('-u, --user <name>', 'account on the device, by name or number'),
  timeout: duration('--timeout <time>', 'end the command after this time, such as 30s or 5m; exit code 124'),
  killGrace: duration(
    '--kill-grace <time>',
    `between TERM and KILL when it has to be ended (default ${limits.webtty.killGrace.default} ms)`,
  ),
  execPath: text('--exec-path <path>', 'path of the commands of the device, when it is not /'),
};
export type RequestOptions = OptionValues<typeof requestOptions>;

/** The request of a command line. @throws RstreamError `ERR_RSTREAM_USAGE` */
export function requestOf(args: readonly string[], options: RequestOptions): CommandRequest {
  const { env, unsetEnv, cleanEnv, workdir, user, timeout, killGrace } = options;
  return {
    argv: argvOf(args, options.shell),
    env: environment(env),
    unsetEnv,
    cleanEnv,
    cwd: workdir,
    user: accountOf(user),
    timeoutMs: timeout,
    killGraceMs: killGrace,
  };
}

function argvOf(args: readonly string[], shell: string | undefined): readonly string[] {
  if (shell === undefined && args.length === 0) throw usage('Say what to run: -- COMMAND, or --shell TEXT.');
  if (shell !== undefined && args.length > 0) throw usage('--shell takes the whole text: there can be no further arguments.');
  return shell === undefined ? args : ['sh', '-c', shell];
}

/** A number is that of an account. */
export function accountOf(user: string | undefined): string | number | undefined {
  return user !== undefined && /^\d+$/.test(user) ? Number(user) : user;
}
