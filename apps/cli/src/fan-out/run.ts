import { finished } from 'node:stream/promises';
import { styleText } from 'node:util';
import { toRstreamError, type ErrorReport } from '@rstream/protocol';
import type { ExecResult } from '@rstream/protocol/exec';
import { limits } from '@rstream/protocol/limits';
import { exitStatus, type CommandRequest } from '@rstream/webtty-client';
import { printable } from '../output.ts';
import { collectCommand, partialResult } from '../remote-command/json.ts';
import { streamCommand } from '../remote-command/text.ts';
import type { Target } from './devices.ts';
import { settleEach } from './each.ts';
import { PrefixedLines } from './prefixed-lines.ts';
import { fanOutStatus, summarize, summaryText, type DeviceEnd, type Summary } from './summary.ts';

/** A command for several devices. */
export interface FanOut {
  readonly targets: readonly Target[];
  readonly request: CommandRequest;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** The same for every device. */
  readonly input: Uint8Array | undefined;
  readonly maxOutputBytes?: number | undefined;
}

/** The JSON of a run; complete whatever failed. `results` and `errors` are in the order of the devices. */
export interface FanOutResult {
  readonly results: readonly (ExecResult & { readonly target: string })[];
  readonly errors: readonly FanOutError[];
  readonly summary: Summary;
}

/** `result` holds what had arrived before a connection broke. */
export interface FanOutError {
  readonly target: string;
  readonly url: string;
  readonly error: ErrorReport;
  readonly result?: ExecResult;
}

/** Runs a command on several devices and returns all of their results. */
export async function collectFromAll({ targets, concurrency, maxOutputBytes, ...command }: FanOut): Promise<FanOutResult> {
  const startedAt = performance.now();
  const share = Math.floor(limits.webtty.fanOutOutput.default / targets.length);
  const kept = Math.min(maxOutputBytes ?? limits.webtty.keptOutput.default, share);
  const ends = await settleEach(targets, concurrency, ({ device }) => collectCommand(device, { ...command, maxOutputBytes: kept }));
  const all = targets.map((target, at) => ({ target, end: ends[at] ?? { error: undefined } }));
  const results = all.flatMap(({ target: { name }, end }) => ('value' in end ? [{ target: name, ...end.value }] : []));
  const errors = all.flatMap(({ target, end }) => ('error' in end ? [failureOf(target, end.error)] : []));
  const exits = all.map(({ target: { name }, end }) => ({ name, exitCode: 'value' in end ? exitStatus(end.value) : undefined }));
  return { results, errors, summary: summarize(exits, performance.now() - startedAt) };
}

function failureOf({ name, device }: Target, cause: unknown): FanOutError {
  const { code, message, next } = toRstreamError(cause);
  const result = partialResult(cause);
  return { target: name, url: device.url, error: { code, message, next }, ...(result === undefined ? {} : { result }) };
}

/** Colours of names, by their order; red is for errors. */
const colours = ['cyan', 'yellow', 'magenta', 'green', 'blue'] as const;

/** Runs a command on several devices, with every line behind its device's name. Resolves to the exit code. */
export async function printFromAll({ targets, concurrency, ...command }: FanOut): Promise<number> {
  const startedAt = performance.now();
  const width = Math.max(...targets.map(({ name }) => name.length));
  const run = async (target: Target): Promise<number> => {
    const label = labelOf(target, width, colours[targets.indexOf(target) % colours.length] ?? 'cyan');
    const outputs = [process.stdout, process.stderr].map((stream) => new PrefixedLines({ target: stream, prefix: label(stream) }));
    const [stdout, stderr] = outputs as [PrefixedLines, PrefixedLines];
    try {
      const code = await streamCommand(target.device, { ...command, input: chunksOf(command.input), stdout, stderr });
      await end(outputs);
      if (code !== 0) process.stderr.write(`${label(process.stderr)}${styleText('red', `exit ${code}`, { stream: process.stderr })}\n`);
      return code;
    } catch (error) {
      await end(outputs);
      const { code, message } = toRstreamError(error);
      const head = styleText('red', `error ${code}`, { stream: process.stderr });
      process.stderr.write(`${label(process.stderr)}${head}: ${printable(message)}\n`);
      throw error;
    }
  };
  const results = await settleEach(targets, concurrency, run);
  const ends: DeviceEnd[] = targets.map(({ name }, at) => {
    const result = results[at];
    return { name: printable(name), exitCode: result !== undefined && 'value' in result ? result.value : undefined };
  });
  const summary = summarize(ends, performance.now() - startedAt);
  process.stderr.write(`${summaryText(ends, summary)}\n`);
  return fanOutStatus(summary);
}

type Colour = (typeof colours)[number];

function labelOf({ name }: Target, width: number, colour: Colour): (stream: NodeJS.WriteStream) => string {
  const text = `${printable(name).padEnd(width)} | `;
  return (stream) => styleText(colour, text, { stream });
}

async function end(outputs: readonly PrefixedLines[]): Promise<void> {
  for (const output of outputs) output.end();
  await Promise.all(outputs.map((output) => finished(output)));
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const chunksOf = (bytes: Uint8Array | undefined): AsyncIterable<Uint8Array> | undefined =>
  bytes === undefined ? undefined : chunks(bytes);
