import { mcpLimits } from '@rstream/protocol/limits';
import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { flag, projectOf } from '../../tool/inputs.ts';
import { addressOf, fileInputs, filePath, localPath } from './address.ts';

/** `rstream_webtty_fs_download`: one file from a device; a lost connection is taken up where it broke. */
export const webttyFsDownload = defineTool({
  name: 'rstream_webtty_fs_download',
  title: 'Download a file of a device',
  description: 'Download a file of a device to this machine, of any size. What is there stays unless overwrite.',
  toolset: 'fs',
  surface: 'runtime',
  effect: 'destroy',
  idempotent: true,
  openWorld: true,
  input: z.strictObject({ ...fileInputs, path: filePath, local_path: localPath, overwrite: flag().default(false) }),
  output: z.object({ ok: z.literal(true), path: z.string(), bytes: z.number() }),
  asks: 'on request',
  plan: (_ports: RuntimePorts, { url, path, local_path: local }) => ({
    summary: `Download ${path} of ${url} to ${local}?`,
    effects: [`${local} has the content of ${path}.`],
  }),
  deadline: () => mcpLimits.execTimeoutMax.default,
  async run(ports: RuntimePorts, input, { signal }) {
    const options = { signal, overwrite: input.overwrite, ...projectOf(input) };
    const bytes = await ports.files.download(addressOf(input), input.local_path, options);
    return { data: { ok: true as const, path: input.local_path, bytes } };
  },
});
