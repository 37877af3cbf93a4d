/**
 * MCP tools as data: a name, an effect, two schemas and a thin handler over ports. `./runtime` and `./control` hold the lists,
 * `./server` runs them.
 *
 * @example
 * ```ts
 * import { defineTool } from '@rstream/mcp-tools';
 * import * as z from 'zod';
 *
 * export const deviceCount = defineTool({
 *   name: 'rstream_device_count', title: 'Count devices', description: 'Say how many devices are online.',
 *   toolset: 'webtty', surface: 'runtime', effect: 'read', openWorld: true,
 *   input: z.strictObject({}), output: z.object({ devices: z.number() }),
 *   run: async (ports: RuntimePorts, _input, { signal }) =>
 *     ({ data: { devices: (await ports.inventory.listWebtty({}, { signal })).length } }),
 * });
 * ```
 *
 * @module
 */
export type {
  CallOptions,
  ContextPort,
  ContextState,
  ContextSummary,
  ExecPort,
  ExecRequest,
  FileAddress,
  FileItem,
  FilePiece,
  FilesPort,
  InventoryPort,
  JobPort,
  JobReadRequest,
  JobRequest,
  Lease,
  LeaseRequest,
  LocalTunnelPort,
  RemoteCommand,
  Replacing,
  RuntimePorts,
  StoppedLease,
  TokenPort,
} from './ports.ts';
export {
  annotationsOf,
  defineTool,
  type CallContext,
  type Effect,
  type Outcome,
  type Plan,
  type ResultLink,
  type Surface,
  type Tool,
  type ToolAnnotations,
  type ToolDefinition,
} from './tool/define.ts';
export { selectTools, toolNamed, type ToolSelection } from './tool/select.ts';
