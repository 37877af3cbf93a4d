import { mcpLimits } from '@rstream/protocol/limits';
import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { integer, projectOf } from '../../tool/inputs.ts';
import { addressOf, fileInputs, filePath } from './address.ts';

/** Longest JSON of one byte. */
const ROOM = 6;
/** Bytes of a character that the end of a piece may cut. */
const CUT = 3;

/** A piece as text when it is UTF-8: a character that its end cuts is left to the next piece. */
function textOf(bytes: Uint8Array, isLast: boolean): { text: string; length: number } | undefined {
  for (let cut = 0; cut <= (isLast ? 0 : CUT) && cut <= bytes.length; cut += 1) {
    try {
      const piece = bytes.subarray(0, bytes.length - cut);
      return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(piece), length: piece.length };
    } catch {
      continue;
    }
  }
  return undefined;
}

/** `rstream_webtty_fs_read`: a file of a device, piece by piece. */
export const webttyFsRead = defineTool({
  name: 'rstream_webtty_fs_read',
  title: 'Read a file of a device',
  description:
    'Read a file of a device from an offset on. The next piece is at next_offset, until complete. Bytes that are no UTF-8 come as base64.',
  toolset: 'fs',
  surface: 'runtime',
  effect: 'read',
  openWorld: true,
  input: z.strictObject({
    ...fileInputs,
    path: filePath,
    offset: integer(0, Number.MAX_SAFE_INTEGER).default(0),
    max_bytes: integer(1, mcpLimits.execOutputMax.default).default(mcpLimits.execOutput.default),
    encoding: z.enum(['text', 'base64']).optional(),
  }),
  output: z.object({
    encoding: z.enum(['text', 'base64']),
    content: z.string(),
    next_offset: z.number(),
    size: z.number(),
    complete: z.boolean(),
    etag: z.string().optional(),
  }),
  async run(ports: RuntimePorts, input, { signal }) {
    const { offset, max_bytes: length } = input;
    const { bytes, size, etag } = await ports.files.read(addressOf(input), { offset, length }, { signal, ...projectOf(input) });
    const text = input.encoding === 'base64' ? undefined : textOf(bytes, offset + bytes.length >= size);
    const next = offset + (text?.length ?? bytes.length);
    return {
      data: {
        encoding: text === undefined ? ('base64' as const) : ('text' as const),
        content: text?.text ?? Buffer.from(bytes).toString('base64'),
        next_offset: next,
        size,
        complete: next >= size,
        ...(etag === undefined ? {} : { etag }),
      },
      maxBytes: mcpLimits.resultBytes.default + length * ROOM,
    };
  },
});
