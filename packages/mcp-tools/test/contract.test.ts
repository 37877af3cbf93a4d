import { runtimeTools } from '@rstream/mcp-tools/runtime';
import { controlTools } from '@rstream/mcp-tools/control';
import { describeTool, runtimeInstructions } from '@rstream/mcp-tools/server';
import { selectTools } from '@rstream/mcp-tools';
import { mcpLimits } from '@rstream/protocol/limits';
import { describe, expect, it } from 'vitest';
import { eras, openWorld } from './world.ts';

const flags = (tool: (typeof runtimeTools)[number]) => {
  const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = tool.annotations;
  return [readOnlyHint && 'R', destructiveHint && 'D', idempotentHint && 'I', openWorldHint && 'O'].filter(Boolean).join('');
};

describe('the tool list is a contract', () => {
  it('pins name, surface, effect, annotations and toolset', () => {
    expect(selectTools(runtimeTools).map((tool) => `${tool.name} ${tool.surface} ${tool.effect} ${flags(tool)} ${tool.toolset}`)).toEqual([
      'rstream_context_get runtime read RI core',
      'rstream_context_list runtime read RI core',
      'rstream_local_tunnel_expose runtime write O expose',
      'rstream_local_tunnel_list runtime read RI expose',
      'rstream_local_tunnel_stop runtime destroy DIO expose',
      'rstream_runtime_status runtime read RI core',
      'rstream_webtty_exec runtime destroy DO webtty',
      'rstream_webtty_fs_delete runtime destroy DIO fs',
      'rstream_webtty_fs_download runtime destroy DIO fs',
      'rstream_webtty_fs_list runtime read RIO fs',
      'rstream_webtty_fs_mkdir runtime write IO fs',
      'rstream_webtty_fs_read runtime read RIO fs',
      'rstream_webtty_fs_upload runtime destroy DIO fs',
      'rstream_webtty_fs_write runtime destroy DIO fs',
      'rstream_webtty_job_cancel runtime destroy DIO webtty',
      'rstream_webtty_job_list runtime read RIO webtty',
      'rstream_webtty_job_read runtime read RIO webtty',
      'rstream_webtty_job_start runtime destroy DO webtty',
      'rstream_webtty_list runtime read RIO webtty',
    ]);
    expect(controlTools).toEqual([]);
  });

  it('stays within the byte budget of the list and of the instructions', () => {
    const bytes = JSON.stringify({ tools: runtimeTools.map(describeTool) }).length;
    expect(bytes).toBeLessThanOrEqual(mcpLimits.listBytes.default);
    expect(bytes).toBeGreaterThan(8_000);
    expect(runtimeInstructions.length).toBeLessThanOrEqual(2_200);
  });

  it('carries no dialect, no safe-integer bounds and no closed output', () => {
    const text = JSON.stringify(runtimeTools.map(describeTool));
    expect(text).not.toContain('$schema');
    expect(text).not.toContain('9007199254740991');
    for (const tool of runtimeTools.map(describeTool)) expect(tool.outputSchema).not.toHaveProperty('additionalProperties');
  });

  it.each(eras)('is listed in the order of the names with instructions (%s era)', async (era) => {
    await using world = await openWorld({ era });
    const { tools } = await world.client.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(tools.map((tool) => tool.name).toSorted());
    expect(tools).toHaveLength(runtimeTools.length);
    expect(world.client.getInstructions()).toContain('rstream_runtime_status');
  });
});

describe('selecting tools', () => {
  const names = (selection: Parameters<typeof selectTools>[1]) => selectTools(runtimeTools, selection).map((tool) => tool.name);

  it('takes full names, names without prefix and unique last words', () => {
    expect(names({ tools: ['rstream_runtime_status', 'webtty_list', 'exec'] })).toEqual([
      'rstream_runtime_status',
      'rstream_webtty_exec',
      'rstream_webtty_list',
    ]);
  });

  it('takes toolsets, and read-only removes everything that changes something', () => {
    expect(names({ toolsets: ['expose'], readOnly: true })).toEqual(['rstream_local_tunnel_list']);
    expect(names({ readOnly: true })).toHaveLength(9);
  });

  it('names the choices when a tool or toolset is unknown or ambiguous', () => {
    expect(() => names({ tools: ['list'] })).toThrow('no tool "list"');
    expect(() => names({ toolsets: ['none'] })).toThrow('no toolset "none"');
  });
});
