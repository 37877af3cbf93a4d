import { RstreamError } from '@rstream/protocol';
import { findWebttyServer } from '@rstream/webtty-client';
import type { GlobalOptions } from '../globals.ts';
import { integer, text } from '../option.ts';
import type { Operator } from '../operator/operator.ts';
import { parseTarget } from '../operator/target.ts';
import { withOperator } from '../operator/with-operator.ts';
import { limits } from '@rstream/protocol/limits';
import { createFilesClient, type FilesClient } from './client.ts';
import { leanMemory } from './lean-memory.ts';
import { createFileHttp, type FileHttp } from './http.ts';

/** Options of every verb that works with files of a device. */
export const remoteOptions = {
  url: text('--url <url>', 'the device: rstrm://NAME'),
  fsPath: text('--fs-path <path>', 'where the device serves files (default: what its inventory says, /fs)'),
};

/** How many files are transferred at once. */
export const concurrencyOption = integer('--concurrency <count>', `files at once (${limits.files.connections.default / 2})`, {
  min: 1,
  max: limits.files.maxConnections.default,
});

export const concurrencyOf = (given: number | undefined): number => given ?? limits.files.connections.default / 2;

export interface FilesCall {
  readonly url: string;
  readonly fsPath: string | undefined;
  readonly globals: GlobalOptions;
  readonly signal: AbortSignal;
  readonly connections?: number | undefined;
}

/** HTTP with a device, and the path of its files. */
export interface DeviceFiles {
  readonly http: FileHttp;
  readonly fsPath: string;
}

/** Runs `work` with the files of a device. */
export function withFiles<Result>(call: FilesCall, work: (client: FilesClient) => Promise<Result>): Promise<Result> {
  leanMemory();
  return withOperator(call.globals, async (operator) => {
    const { http, fsPath } = await deviceFiles(operator, call);
    const client = createFilesClient(http, fsPath);
    try {
      return await work(client);
    } finally {
      client.close();
    }
  });
}

/** HTTP with the device, which is dialled with the first request. @throws RstreamError `ERR_RSTREAM_FILES_UNAVAILABLE` */
export async function deviceFiles(operator: Operator, call: Omit<FilesCall, 'globals'>): Promise<DeviceFiles> {
  const { name } = parseTarget(call.url);
  const fsPath = call.fsPath ?? (await advertisedPath(operator, name, call.signal));
  const http = createFileHttp({
    open: (signal) => operator.openDevice(call.url, signal),
    host: /^[A-Za-z0-9._-]+$/.test(name) ? name : 'device',
    connections: call.connections,
  });
  return { http, fsPath };
}

/** The path that the inventory tells; `/fs` when the inventory may not be read, or does not know a device of that name. */
async function advertisedPath(operator: Operator, name: string, signal: AbortSignal): Promise<string> {
  try {
    const { fs_path } = findWebttyServer(await operator.listWebtty(undefined, signal), name);
    if (fs_path !== undefined) return fs_path;
  } catch (error) {
    if (RstreamError.is(error) && ['FORBIDDEN', 'TUNNEL_NOT_FOUND'].includes(error.code)) return '/fs';
    throw error;
  }
  throw new RstreamError('ERR_RSTREAM_FILES_UNAVAILABLE', `"${name}" is there and offers no files.`);
}
