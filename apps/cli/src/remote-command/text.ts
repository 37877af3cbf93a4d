import type { Writable } from 'node:stream';
import { exitStatus, openCommand, type CommandOutcome, type CommandRequest } from '@rstream/webtty-client';
import { pumpOutput } from '../standard-streams.ts';
import { resumable, type Device } from './device.ts';

export interface StreamedCommand {
  readonly request: CommandRequest;
  readonly signal: AbortSignal;
  readonly input: AsyncIterable<Uint8Array> | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Runs a command with its output and input as they come. Resolves to the exit code of the local process that stands for it. */
export async function streamCommand(device: Device, { request, signal, input, stdout, stderr }: StreamedCommand): Promise<number> {
  const transport = await device.connect(signal);
  const running = await openCommand(transport, { ...request, stdin: input !== undefined }, { signal, ...resumable(device) });
  // A command may end while its input is still open, and then nobody waits for the rest of it.
  if (input !== undefined) void feed(input, running.stdin);
  await Promise.all([pumpOutput(running.stdout, stdout), pumpOutput(running.stderr, stderr)]);
  return statusOf(await running.wait());
}

/** The exit code for how a command ended. */
export function statusOf({ exitCode, signal, timedOut, cancelled }: CommandOutcome): number {
  return exitStatus({ exit_code: exitCode, signal, timed_out: timedOut, cancelled });
}

interface InputSink {
  write(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

/** Never rejects: when the command ended first, its end says how. */
export async function feed(input: AsyncIterable<Uint8Array>, stdin: InputSink): Promise<void> {
  try {
    for await (const chunk of input) await stdin.write(chunk);
    await stdin.end();
  } catch {
    // The end of the command is what counts.
  }
}
