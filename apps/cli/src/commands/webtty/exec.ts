import { RstreamError, toRstreamError } from '@rstream/protocol';
import type { ExecResult } from '@rstream/protocol/exec';
import { collect, exitStatus, exitStatusOfError, openCommand, type CommandRequest } from '@rstream/webtty-client';
import { defineCommand } from '../../command.ts';
import { choice, duration, flag, integer, repeated, text, usage, type OptionValues } from '../../option.ts';
import type { Operator } from '../../operator/operator.ts';
import { withOperator } from '../../operator/with-operator.ts';
import { printError } from '../../report.ts';
import { pumpOutput } from '../../standard-streams.ts';
import { environment } from './environment.ts';

const options = {
  url: text('--url <url>', 'the device: rstrm://NAME'),
  timeout: duration('--timeout <time>', 'end the command after this time, such as 30s or 5m; exit code 124'),
  maxOutput: integer('--max-output <bytes>', 'with -o json: bytes of output to keep, head and tail (no limit on what is counted)', {
    min: 1,
    max: 268_435_456,
  }),
  env: repeated('-e, --env <key=value>', 'set a variable; KEY alone copies its local value; repeatable'),
  workdir: text('-w, --workdir <dir>', 'working directory on the device (default: the home directory)'),
  user: text('-u, --user <name>', 'account on the device'),
  interactive: flag('-i, --interactive', 'send stdin to the command'),
  output: choice('-o, --output <mode>', ['json', 'text'], {
    about: 'json: one result when it has ended; text: stdout and stderr as they come',
    fallback: 'json',
  }),
};
type Options = OptionValues<typeof options>;

export const command = defineCommand({
  summary: 'run a command on a device',
  description:
    'The arguments go to the program as they are; no shell looks at them. Exit code: that of the command, 128+n when signal n ended it, ' +
    '124 when its time was up, 125 when it could not be run or the connection was lost, 126 when it was denied or is not executable, ' +
    '127 when it was not found, 130 when it was cancelled with Ctrl-C, which ends it on the device too.',
  arguments: [{ name: '<command...>', about: 'program and arguments' }],
  options,
  examples: [
    'rstream webtty exec --url rstrm://pi -- uname -a',
    "rstream webtty exec --url rstrm://pi --timeout 30s -o text -- sh -c 'df -h | head'",
    'rstream webtty exec --url rstrm://pi -i -o text -- tar -xf - < files.tar',
  ],
  passThrough: true,
  async run({ args, options: given, globals, signal }) {
    const { url } = given;
    if (url === undefined) throw usage('Say which device: --url rstrm://NAME', 'List the devices with: rstream webtty list');
    const request = requestOf(args, given);
    try {
      return await withOperator(globals, (operator) =>
        given.output === 'text'
          ? execText(operator, url, { request, signal })
          : execJson(operator, url, { request, signal, options: given }),
      );
    } catch (error) {
      if (signal.aborted) throw error;
      const report = toRstreamError(error);
      if (report.code === 'ERR_RSTREAM_USAGE') throw error;
      printError(report, { json: given.output === 'json' });
      return exitStatusOfError(report);
    }
  },
});

function requestOf(argv: readonly string[], { env, workdir, user, timeout, interactive }: Options): CommandRequest {
  return { argv, env: environment(env), cwd: workdir, user, timeoutMs: timeout, stdin: interactive };
}

interface Job {
  readonly request: CommandRequest;
  readonly signal: AbortSignal;
}

async function execJson(operator: Operator, url: string, { request, signal, options: given }: Job & { options: Options }): Promise<number> {
  const transport = await operator.dialDevice(url, signal);
  const input = given.interactive ? process.stdin : undefined;
  try {
    const result = await collect(transport, request, { url, signal, input, maxOutputBytes: given.maxOutput });
    print(result);
    return exitStatus(result);
  } catch (error) {
    // What arrived before the connection broke is still worth having.
    const partial = RstreamError.is(error) ? (error.details?.['result'] as ExecResult | undefined) : undefined;
    if (partial !== undefined) print(partial);
    throw RstreamError.is(error) ? new RstreamError(error.code, error.message, { next: error.next, cause: error }) : error;
  } finally {
    process.stdin.destroy();
  }
}

function print(result: ExecResult): void {
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
}

async function execText(operator: Operator, url: string, { request, signal }: Job): Promise<number> {
  const transport = await operator.dialDevice(url, signal);
  const running = await openCommand(transport, request, { signal });
  const input = request.stdin === true ? feed(running.stdin) : undefined;
  try {
    await Promise.all([pumpOutput(running.stdout, process.stdout), pumpOutput(running.stderr, process.stderr)]);
    const outcome = await running.wait();
    return exitStatus({ exit_code: outcome.exitCode, signal: outcome.signal, timed_out: outcome.timedOut, cancelled: outcome.cancelled });
  } finally {
    // A command may end while its input is still open; reading on would keep this process.
    process.stdin.destroy();
    await input;
  }
}

async function feed(stdin: { write(chunk: Uint8Array): Promise<void>; end(): Promise<void> }): Promise<void> {
  try {
    for await (const chunk of process.stdin) await stdin.write(chunk as Uint8Array);
    await stdin.end();
  } catch {
    // The command ended first, and its end says how.
  }
}
