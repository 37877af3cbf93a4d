import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { projectOf } from '../../tool/inputs.ts';
import { addressOf, fileInputs, filePath } from './address.ts';

/** `rstream_webtty_fs_mkdir`: a folder of a device. */
export const webttyFsMkdir = defineTool({
  name: 'rstream_webtty_fs_mkdir',
  title: 'Make a folder on a device',
  description: 'Make a folder on a device, with those above it. One that is there is fine.',
  toolset: 'fs',
  surface: 'runtime',
  effect: 'write',
  idempotent: true,
  openWorld: true,
  input: z.strictObject({ ...fileInputs, path: filePath }),
  output: z.object({ ok: z.literal(true), created: z.boolean() }),
  asks: 'on request',
  plan: (_ports: RuntimePorts, { url, path }) => ({ summary: `Make the folder ${path} on ${url}?`, effects: [`${path} is there.`] }),
  async run(ports: RuntimePorts, input, { signal }) {
    return { data: { ok: true as const, created: await ports.files.makeFolder(addressOf(input), { signal, ...projectOf(input) }) } };
  },
});
