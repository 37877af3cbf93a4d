import type { Tool as ToolDescriptor } from '@modelcontextprotocol/server';
import type { Tool } from '../tool/define.ts';
import { objectSchema, type ObjectSchema } from '../tool/schema.ts';

/** Argument that carries the fingerprint of a plan back; taken by every tool that can ask. */
export const confirmationInput = 'confirmation';

const confirmationSchema = { type: 'string', description: 'From the plan of a refused call, once the user agreed.' };

/** The entry of `tools/list`. */
export function describeTool<Ports>(tool: Tool<Ports>): ToolDescriptor {
  const input = objectSchema(tool.input, 'input');
  // Results may gain fields later: clients must not refuse those.
  const { additionalProperties: _, ...output } = objectSchema(tool.output, 'output');
  const canAsk = tool.effect !== 'read';
  const inputSchema: ObjectSchema = canAsk
    ? { ...input, properties: { ...input.properties, [confirmationInput]: confirmationSchema } }
    : input;
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: inputSchema as ToolDescriptor['inputSchema'],
    outputSchema: { ...output, type: 'object' },
    annotations: { ...tool.annotations },
  };
}
