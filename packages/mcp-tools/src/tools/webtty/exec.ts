import { RstreamError, toRstreamError } from '@rstream/protocol';
import { ExecResult } from '@rstream/protocol/exec';
import { mcpLimits } from '@rstream/protocol/limits';
import * as z from 'zod';
import type { CallOptions, ExecRequest, RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { integer, projectInputs, projectOf, text } from '../../tool/inputs.ts';
import { commandInputs, commandOf } from './command-inputs.ts';

const longest = mcpLimits.execTimeoutMax.default;
/** Time for dialling, and for the partial output of a command that ran out of time to arrive. */
const OVERHEAD_MS = 10_000;

const input = z.strictObject({
  ...commandInputs,
  stdin: text(mcpLimits.stdinBytes.default),
  timeout_seconds: integer(1, longest / 1000).optional(),
  timeout_ms: integer(1, longest, `Default ${mcpLimits.execTimeout.default}.`).optional(),
  max_output_bytes: integer(
    256,
    mcpLimits.execOutputMax.default,
    `Kept output, head and tail; default ${mcpLimits.execOutput.default}.`,
  ).optional(),
  ...projectInputs,
});

const timeoutOf = (input: { readonly timeout_ms?: number | undefined; readonly timeout_seconds?: number | undefined }): number =>
  input.timeout_ms ?? (input.timeout_seconds === undefined ? mcpLimits.execTimeout.default : input.timeout_seconds * 1000);

/** Why a run counts as failed, in words; `undefined` when it does not. */
function failureOf(result: ExecResult): { error: string; error_kind: string } | undefined {
  if (result.cancelled) return { error: 'The command was cancelled.', error_kind: 'cancelled' };
  if (result.timed_out)
    return { error: 'The command ran out of time and was ended; raise timeout_seconds if it needs more.', error_kind: 'timeout' };
  if (result.signal !== null) return { error: `The command was ended by ${result.signal}.`, error_kind: 'signal' };
  if (result.exit_code === 0) return undefined;
  return { error: `The command ended with exit code ${result.exit_code}.`, error_kind: 'exit' };
}

interface Ran {
  readonly result: ExecResult;
  readonly failure: { readonly error: string; readonly error_kind: string; readonly next?: string } | undefined;
}

/** Runs the command; a connection that broke on the way still gives what had arrived. */
async function run(ports: RuntimePorts, request: ExecRequest, options: CallOptions): Promise<Ran> {
  try {
    const result = await ports.commands.exec(request, options);
    return { result, failure: failureOf(result) };
  } catch (error) {
    const partial = ExecResult.safeParse(RstreamError.is(error) ? error.details?.['result'] : undefined);
    if (!partial.success) throw error;
    const { code, message, next } = toRstreamError(error);
    return { result: partial.data, failure: { error: `${code}: ${message}`, error_kind: 'session', next } };
  }
}

/** Text that was asked for in full may make the result larger than usual; JSON escapes cost a little on top. */
function roomFor(maxOutputBytes: number | undefined): number {
  const usual = mcpLimits.resultBytes.default;
  return maxOutputBytes === undefined ? usual : Math.max(usual, maxOutputBytes * 2);
}

/** `rstream_webtty_exec`: one command on one device. */
export const webttyExec = defineTool({
  name: 'rstream_webtty_exec',
  title: 'Run a command on a device',
  description:
    'Run one command on one device and get exit code, stdout and stderr. A non-zero exit is reported as an error with the full result. Cancelling ends the remote process.',
  toolset: 'webtty',
  surface: 'runtime',
  effect: 'destroy',
  openWorld: true,
  input,
  output: z.object({
    surface: z.literal('cli'),
    error: z.string().optional(),
    error_kind: z.string().optional(),
    next: z.string().optional(),
    ...ExecResult.omit({ url: true, command: true }).shape,
    url: z.string(),
    command: z.array(z.string()),
  }),
  asks: 'on request',
  plan: (_ports: RuntimePorts, { url, command }) => ({ summary: `Run a command on ${url}?`, effects: [JSON.stringify(command)] }),
  deadline: (input) => timeoutOf(input) + OVERHEAD_MS,
  async run(ports, input, { signal }) {
    const request = {
      ...commandOf(input),
      timeoutMs: timeoutOf(input),
      maxOutputBytes: input.max_output_bytes ?? mcpLimits.execOutput.default,
      ...(input.stdin === undefined ? {} : { stdin: input.stdin }),
    };
    const { result, failure } = await run(ports, request, { signal, ...projectOf(input) });
    const data = { surface: 'cli' as const, ...failure, ...result };
    return { data, failed: failure !== undefined, maxBytes: roomFor(input.max_output_bytes) };
  },
});
