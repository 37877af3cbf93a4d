import * as z from 'zod';
import type { FileAddress } from '../../ports.ts';
import { text } from '../../tool/inputs.ts';

const longestPath = 4_096;

/** A path inside the root of a device. */
export const filePath = z.string().min(1).max(longestPath);

/** A file of this machine: the server's own folder means nothing to who calls. */
export const localPath = z
  .string()
  .min(1)
  .max(longestPath)
  .regex(/^([A-Za-z]:[\\/]|\/)/, 'must be absolute')
  .meta({ description: 'Absolute.' });

/** What every tool for files takes. Of the names for a project only the one that knows them all: seven tools stand in each list. */
export const fileInputs = { url: z.string().min(1).max(1024), fs_path: text(256), project: text(128) };

/** The address as the port takes it. */
export function addressOf(input: { readonly url: string; readonly fs_path?: string | undefined; readonly path: string }): FileAddress {
  const { url, fs_path, path } = input;
  return { url, path, ...(fs_path === undefined ? {} : { fsPath: fs_path }) };
}
