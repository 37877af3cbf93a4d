import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { text } from '../../tool/inputs.ts';
import { contextShape } from './shape.ts';

/** `rstream_context_get`: one context without secrets; a missing one is an answer, not an error. */
export const contextGet = defineTool({
  name: 'rstream_context_get',
  title: 'Show a context',
  description: 'Show one rstream context, by default the selected one, without secrets.',
  toolset: 'core',
  surface: 'runtime',
  effect: 'read',
  input: z.strictObject({ name: text(128, 'Default: the selected context.') }),
  output: z.object({
    found: z.boolean(),
    ready: z.boolean(),
    needs_context: z.boolean(),
    suggested_next_tool: z.string(),
    context: z.object(contextShape).optional(),
  }),
  async run(ports: RuntimePorts, input) {
    const context = await ports.contexts.get(input.name);
    const reachable = context?.engine !== undefined || (context?.api_url !== undefined && context.project_endpoint !== undefined);
    const ready = reachable && (context?.has_token ?? false);
    const data = {
      found: context !== undefined,
      ready,
      needs_context: context === undefined,
      suggested_next_tool: ready ? 'rstream_webtty_list' : 'rstream_runtime_status',
      ...(context === undefined ? {} : { context }),
    };
    return { data };
  },
});
