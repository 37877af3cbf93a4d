import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { contextShape } from './shape.ts';

/** `rstream_context_list`: every context of the configuration, without secrets. */
export const contextList = defineTool({
  name: 'rstream_context_list',
  title: 'List contexts',
  description: 'List the configured rstream contexts (which engine and project each one means), without secrets.',
  toolset: 'core',
  surface: 'runtime',
  effect: 'read',
  input: z.strictObject({}),
  output: z.object({
    default: z.string().optional(),
    selected: z.string().optional(),
    contexts: z.array(z.object(contextShape)),
    total: z.number(),
  }),
  async run(ports: RuntimePorts) {
    const list = await ports.contexts.list();
    return { data: { ...list, contexts: [...list.contexts], total: list.contexts.length } };
  },
});
