import type { ContextFlags } from '@rstream/config';
import type { RuntimePorts } from '@rstream/mcp-tools';
import { productVersion } from '@rstream/protocol';
import { leaseKeeper } from '../lease/keeper.ts';
import { contextPort } from './context-port.ts';
import { commandPort, inventoryPort, tokenPort } from './engine-ports.ts';
import { filesPort } from './files-port.ts';
import { jobPort } from './job-port.ts';
import { operators } from './operators.ts';

/** The workstation's ports, and how to give back what they hold. */
export interface OwnedRuntimePorts extends RuntimePorts {
  /** Ends the leases of this server and every session with an engine. */
  close(): Promise<void>;
}

/** @param instance identity of this MCP server among those that run at the same time */
export function runtimePorts({ flags, instance }: { readonly flags: ContextFlags; readonly instance: string }): OwnedRuntimePorts {
  const open = operators(flags);
  const localTunnels = leaseKeeper({ flags, instance, operators: open });
  return {
    version: productVersion,
    contexts: contextPort(flags),
    inventory: inventoryPort(open),
    commands: commandPort(open),
    jobs: jobPort(open),
    files: filesPort(open),
    tokens: tokenPort(open),
    localTunnels,
    async close() {
      await Promise.all([localTunnels.close(), open.close()]);
    },
  };
}
