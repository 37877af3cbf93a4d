import { limits } from '@rstream/protocol/limits';
import { flag, integer, optionalChoice, pair, repeated, text, usage, type OptionValues } from '../option.ts';
import { requestOptions } from './request.ts';

/** Options of `webtty exec`. */
export const execOptions = {
  url: repeated('--url <url>', 'the device: rstrm://NAME; repeatable, and then it runs on each of them'),
  all: flag('--all', 'run it on every online device that takes commands'),
  filter: text('--filter <filter>', 'with --all: part of a name, FIELD=VALUE or labels.KEY=VALUE; several with commas'),
  concurrency: integer('--concurrency <count>', `devices at once (default ${limits.webtty.fanOut.default})`, {
    min: 1,
    max: limits.webtty.maxFanOut.default,
  }),
  ...requestOptions,
  interactive: pair('-i, --interactive', '-I, --no-interactive', 'send stdin to the command (default: no)'),
  tty: pair('-t, --tty', '-T, --no-tty', 'run it on a terminal of the device (default: no); implies -o text'),
  detach: flag('--detach', 'start it as a job that needs no connection, and print its handle; as: webtty job start'),
  label: text('--label <text>', 'with --detach: what the job is called in lists'),
  maxOutput: integer('--max-output <bytes>', 'with -o json: bytes of output to keep, head and tail (no limit on what is counted)', {
    min: 1,
    max: 268_435_456,
  }),
  output: optionalChoice(
    '-o, --output <mode>',
    ['json', 'text'],
    'json (default): one result when it has ended; text: stdout and stderr as they come',
  ),
};
export type ExecOptions = OptionValues<typeof execOptions>;

/** It runs on more than the one device of a single `--url`. */
export const isFanOut = ({ all, url }: ExecOptions): boolean => all || url.length > 1;

/** @throws RstreamError `ERR_RSTREAM_USAGE` for options that make no sense together */
export function assertExecOptions(given: ExecOptions): void {
  const { all, filter, url, tty, detach, output, interactive } = given;
  if (all && url.length > 0) throw usage('--all and --url exclude each other.');
  if (!all && url.length === 0) {
    throw usage('Say which device: --url rstrm://NAME, or --all', 'List the devices with: rstream webtty list');
  }
  if (filter !== undefined && !all) throw usage('--filter goes with --all.');
  if (tty === true && output === 'json') throw usage('What a terminal shows has no JSON form: leave out -o json, or -t.');
  if (tty === true && (given.timeout !== undefined || given.unsetEnv.length > 0 || given.cleanEnv)) {
    throw usage('A terminal (-t) takes no --timeout, --unset-env or --clean-env.');
  }
  if (isFanOut(given) && tty === true) throw usage('A terminal (-t) is of one device.');
  if (detach && (tty === true || interactive === true)) throw usage('A job (--detach) has neither a terminal nor stdin.');
  if (detach && isFanOut(given)) throw usage('A job (--detach) is of one device.');
}
