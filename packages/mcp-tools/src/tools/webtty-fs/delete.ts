import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { flag, projectOf } from '../../tool/inputs.ts';
import { addressOf, fileInputs, filePath } from './address.ts';

/** `rstream_webtty_fs_delete`: a file or a folder of a device goes. */
export const webttyFsDelete = defineTool({
  name: 'rstream_webtty_fs_delete',
  title: 'Delete a file of a device',
  description: 'Delete a file of a device, or with recursive a folder and all in it. There is no way back.',
  toolset: 'fs',
  surface: 'runtime',
  effect: 'destroy',
  idempotent: true,
  openWorld: true,
  input: z.strictObject({ ...fileInputs, path: filePath, recursive: flag().default(false) }),
  output: z.object({ ok: z.literal(true), removed: z.boolean() }),
  asks: 'on request',
  plan: (_ports: RuntimePorts, { url, path }) => ({ summary: `Delete ${path} on ${url}?`, effects: [`${path} is gone for good.`] }),
  async run(ports: RuntimePorts, input, { signal }) {
    const options = { signal, recursive: input.recursive, ...projectOf(input) };
    return { data: { ok: true as const, removed: await ports.files.remove(addressOf(input), options) } };
  },
});
