import { RstreamError } from '@rstream/protocol';
import type { ExecResult } from '@rstream/protocol/exec';
import { collect, type CollectOptions, type CommandRequest } from '@rstream/webtty-client';
import { resumable, type Device } from './device.ts';

export interface CollectedCommand {
  readonly request: CommandRequest;
  readonly signal: AbortSignal;
  readonly input: CollectOptions['input'];
  readonly maxOutputBytes: number | undefined;
}

/** Runs a command to its end. @throws RstreamError as `collect` of webtty-client, with what had arrived in `details.result` */
export async function collectCommand(device: Device, { request, ...options }: CollectedCommand): Promise<ExecResult> {
  const transport = await device.connect(options.signal);
  return collect(transport, request, { ...options, ...resumable(device), url: device.url });
}

/** What had arrived before a connection broke: it is still worth having. */
export function partialResult(error: unknown): ExecResult | undefined {
  return RstreamError.is(error) ? (error.details?.['result'] as ExecResult | undefined) : undefined;
}
