/**
 * The MCP server that runs tools: validation, consent, deadlines, bounded concurrency, bounded results, both protocol eras.
 *
 * @example
 * ```ts
 * import { runtimeTools } from '@rstream/mcp-tools/runtime';
 * import { createMcpServer, runtimeInstructions, serveOverStdio } from '@rstream/mcp-tools/server';
 *
 * const server = createMcpServer({
 *   name: 'rstream', title: 'rstream', version: '0.1.0', instructions: runtimeInstructions, tools: runtimeTools, ports,
 * });
 * await serveOverStdio(server, { stdin: process.stdin, stdout: process.stdout }).closed;
 * ```
 *
 * @module
 */
export { Confirmations, type Confirmable, type ConfirmationKind } from './server/confirmation.ts';
export { createMcpServer, type McpServerOptions, type McpToolServer } from './server/create.ts';
export { confirmationInput, describeTool } from './server/describe.ts';
export { fit, headAndTail } from './server/fit.ts';
export { runtimeInstructions } from './server/instructions.ts';
export { Limiter } from './server/limiter.ts';
export { serveOverStdio, type StdioConnection, type StdioOptions } from './server/stdio.ts';
