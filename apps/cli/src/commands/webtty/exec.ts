import { RstreamError, toRstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import { exitStatus, exitStatusOfError, type CommandRequest } from '@rstream/webtty-client';
import { defineCommand } from '../../command.ts';
import { chooseTargets } from '../../fan-out/devices.ts';
import { wholeInput } from '../../fan-out/input.ts';
import { collectFromAll, printFromAll } from '../../fan-out/run.ts';
import { fanOutStatus } from '../../fan-out/summary.ts';
import { startDetached } from '../../job/start.ts';
import type { Operator } from '../../operator/operator.ts';
import { withExecPath } from '../../operator/target.ts';
import { withOperator } from '../../operator/with-operator.ts';
import { interruptedStatus } from '../../interrupted.ts';
import { printable } from '../../output.ts';
import { deviceAt, type Device } from '../../remote-command/device.ts';
import { collectCommand, partialResult } from '../../remote-command/json.ts';
import { runOnTerminal } from '../../remote-command/on-terminal.ts';
import { assertExecOptions, execOptions, isFanOut, type ExecOptions } from '../../remote-command/exec-options.ts';
import { requestOf } from '../../remote-command/request.ts';
import { streamCommand } from '../../remote-command/text.ts';
import { printError } from '../../report.ts';
import { attachHere } from '../../terminal/attach-here.ts';

export const command = defineCommand({
  summary: 'run a command on a device, or on many',
  description:
    'The arguments go to the program as they are; no shell looks at them, unless --shell gives one a text. Exit code: that of the ' +
    'command, 128+n when signal n ended it, 124 when its time was up, 125 when it could not be run or the connection was lost for good, ' +
    '126 when it was denied or is not executable, 127 when it was not found, 130 when it was cancelled with Ctrl-C, which ends it on the ' +
    'device too. On several devices: 0 when all ended with 0, 125 when it ran on none, else 1; text lines stand behind the name of ' +
    'their device, and JSON is { results, errors, summary }.',
  arguments: [{ name: '[command...]', about: 'program and arguments' }],
  options: execOptions,
  examples: [
    'rstream webtty exec --url rstrm://pi -- uname -a',
    "rstream webtty exec --url rstrm://pi --timeout 30s -o text --shell 'df -h | head'",
    'rstream webtty exec --url rstrm://pi -i -o text -- tar -xf - < files.tar',
    'rstream webtty exec --all --filter labels.site=lab -o text -- uptime',
    'rstream webtty exec --url rstrm://pi --detach -- ./long-build.sh',
  ],
  passThrough: true,
  async run({ args, options: given, globals, signal }) {
    assertExecOptions(given);
    const request = requestOf(args, given);
    const job = { request, signal, options: given };
    try {
      return await withOperator(globals, async (operator) => {
        if (isFanOut(given)) return runOnAll(operator, job);
        const device = deviceAt(operator, withExecPath(given.url[0] ?? '', given.execPath));
        if (given.detach) return startDetached(device, request, { label: given.label, signal, json: given.output === 'json' });
        if (given.tty === true) return runWithTerminal(device, job);
        return given.output === 'text' ? runText(device, job) : runJson(device, job);
      });
    } catch (error) {
      if (signal.aborted) throw error;
      const report = toRstreamError(error);
      if (report.code === 'ERR_RSTREAM_USAGE') throw error;
      printError(report, { json: (given.output ?? 'json') === 'json' && given.tty !== true && !given.detach });
      return exitStatusOfError(report);
    } finally {
      // Reading on would keep this process.
      process.stdin.destroy();
    }
  },
});

interface Job {
  readonly request: CommandRequest;
  readonly signal: AbortSignal;
  readonly options: ExecOptions;
}

const inputOf = ({ interactive }: ExecOptions): NodeJS.ReadStream | undefined => (interactive === true ? process.stdin : undefined);

async function runJson(device: Device, { request, signal, options: given }: Job): Promise<number> {
  try {
    const result = await collectCommand(device, { request, signal, input: inputOf(given), maxOutputBytes: given.maxOutput });
    print(result);
    return exitStatus(result);
  } catch (error) {
    const partial = partialResult(error);
    if (partial !== undefined) print(partial);
    throw withoutResult(error);
  }
}

/** The partial result was printed, and is no part of the report. */
function withoutResult(error: unknown): unknown {
  return RstreamError.is(error) ? new RstreamError(error.code, error.message, { next: error.next, cause: error }) : error;
}

const print = (result: object): void => void process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);

function runText(device: Device, { request, signal, options: given }: Job): Promise<number> {
  return streamCommand(device, { request, signal, input: inputOf(given), stdout: process.stdout, stderr: process.stderr });
}

async function runWithTerminal(device: Device, { request, signal, options: given }: Job): Promise<number> {
  const { argv, env, cwd, user, killGraceMs } = request;
  const terminal = { argv, env, cwd, user, killGraceMs, term: process.env['TERM'] };
  if (given.interactive === true && process.stdin.isTTY) return (await attachHere(device, { request: terminal, signal })).exitCode;
  return runOnTerminal(device, { request: terminal, signal, input: inputOf(given) });
}

async function runOnAll(operator: Operator, { request, signal, options: given }: Job): Promise<number> {
  const { all, filter, url: urls, execPath, maxOutput: maxOutputBytes } = given;
  const targets = await chooseTargets(operator, { all, filter, urls, execPath }, signal);
  const input = given.interactive === true ? await wholeInput(process.stdin) : undefined;
  const fanOut = { targets, request, signal, input, maxOutputBytes, concurrency: given.concurrency ?? limits.webtty.fanOut.default };
  if (process.stderr.isTTY) announce(targets.map(({ name }) => printable(name)));
  let status: number;
  if (given.output === 'text') {
    status = await printFromAll(fanOut);
  } else {
    const result = await collectFromAll(fanOut);
    print(result);
    status = fanOutStatus(result.summary);
  }
  return interruptedStatus(signal) ?? status;
}

const ANNOUNCED = 10;

function announce(names: readonly string[]): void {
  const more = names.length > ANNOUNCED ? ` and ${names.length - ANNOUNCED} more` : '';
  process.stderr.write(
    `Running on ${names.length} ${names.length === 1 ? 'device' : 'devices'}: ${names.slice(0, ANNOUNCED).join(', ')}${more}\n`,
  );
}
