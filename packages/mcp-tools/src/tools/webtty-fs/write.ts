import { RstreamError } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';
import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { flag, projectOf, text } from '../../tool/inputs.ts';
import { addressOf, fileInputs, filePath } from './address.ts';

function bytesOf(content: string, encoding: 'text' | 'base64'): Uint8Array {
  if (encoding === 'text') return Buffer.from(content);
  const bytes = Buffer.from(content, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== content.replace(/\s/g, '').replace(/=+$/, ''))
    throw new RstreamError('ERR_RSTREAM_MCP_ARGUMENTS', 'content: is not base64.');
  return bytes;
}

/** `rstream_webtty_fs_write`: a whole file of a device. */
export const webttyFsWrite = defineTool({
  name: 'rstream_webtty_fs_write',
  title: 'Write a file of a device',
  description:
    'Write a whole file of a device. What is there stays unless overwrite, or if_match with its etag; nobody sees a half-written file.',
  toolset: 'fs',
  surface: 'runtime',
  effect: 'destroy',
  idempotent: true,
  openWorld: true,
  input: z.strictObject({
    ...fileInputs,
    path: filePath,
    content: z.string().max(mcpLimits.stdinBytes.default * 2),
    encoding: z.enum(['text', 'base64']).default('text'),
    overwrite: flag().default(false),
    if_match: text(256),
  }),
  output: z.object({ ok: z.literal(true), bytes: z.number(), etag: z.string().optional() }),
  asks: 'on request',
  plan: (_ports: RuntimePorts, { url, path }) => ({ summary: `Write ${path} on ${url}?`, effects: [`${path} has the new content.`] }),
  async run(ports: RuntimePorts, input, { signal }) {
    const { content, encoding, overwrite, if_match: ifMatch } = input;
    const options = { signal, overwrite, ...projectOf(input), ...(ifMatch === undefined ? {} : { ifMatch }) };
    return { data: { ok: true as const, ...(await ports.files.write(addressOf(input), bytesOf(content, encoding), options)) } };
  },
});
