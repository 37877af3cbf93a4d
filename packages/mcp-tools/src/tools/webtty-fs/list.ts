import { mcpLimits } from '@rstream/protocol/limits';
import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { integer, projectOf } from '../../tool/inputs.ts';
import { addressOf, fileInputs, filePath } from './address.ts';

const entry = z.object({
  path: z.string(),
  kind: z.enum(['file', 'directory']),
  size: z.number().optional(),
  modified: z.string().optional(),
  etag: z.string().optional(),
});

/** `rstream_webtty_fs_list`: a folder of a device. */
export const webttyFsList = defineTool({
  name: 'rstream_webtty_fs_list',
  title: 'List files of a device',
  description: 'List a folder of a device that offers files; paths are inside its root. The folder itself comes first.',
  toolset: 'fs',
  surface: 'runtime',
  effect: 'read',
  openWorld: true,
  input: z.strictObject({
    ...fileInputs,
    path: filePath.default('/'),
    limit: integer(1, mcpLimits.listItemsMax.default).default(mcpLimits.listItems.default),
    offset: integer(0, Number.MAX_SAFE_INTEGER).default(0),
  }),
  output: z.object({ total: z.number(), truncated: z.boolean(), entries: z.array(entry) }),
  async run(ports: RuntimePorts, input, { signal }) {
    const all = await ports.files.list(addressOf(input), { signal, ...projectOf(input) });
    const entries = all.slice(input.offset, input.offset + input.limit);
    return { data: { total: all.length, truncated: input.offset + entries.length < all.length, entries } };
  },
});
