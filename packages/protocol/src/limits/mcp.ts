import type { LimitTable } from './limit.ts';

/** MCP servers and tools. */
export const mcpLimits = {
  resultBytes: { default: 32_768, unit: 'bytes', about: 'Text of one tool result.' },
  concurrentCalls: { default: 8, unit: 'count', about: 'Tool calls that run at once.' },
  queuedCalls: { default: 16, unit: 'count', about: 'Tool calls that wait for a free place.' },
} as const satisfies LimitTable;
