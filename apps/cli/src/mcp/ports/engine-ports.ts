import type { ExecPort, InventoryPort, TokenPort } from '@rstream/mcp-tools';
import { filterWebttyServers } from '@rstream/webtty-client';
import { withExecPath } from '../../operator/target.ts';
import { mintTunnelToken } from '../../operator/tunnel-token.ts';
import type { Operators } from './operators.ts';

/** Devices, from the engine's inventory. */
export function inventoryPort(operators: Operators): InventoryPort {
  return {
    async listWebtty({ name, filter }, { signal, project }) {
      const operator = await operators.for(project);
      const servers = filterWebttyServers(await operator.listWebtty(filter, signal), { name });
      return servers.toSorted((a, b) => (a.target < b.target ? -1 : 1));
    },
  };
}

/** Commands over the shared session with the relay. */
export function commandPort(operators: Operators): ExecPort {
  return {
    async exec({ url, command, execPath, workdir, env, user, stdin, timeoutMs, maxOutputBytes }, { signal, project }) {
      const operator = await operators.for(project);
      const options = {
        timeoutMs,
        maxOutputBytes,
        ...(workdir === undefined ? {} : { workdir }),
        ...(env === undefined ? {} : { env }),
        ...(user === undefined ? {} : { username: user }),
        ...(stdin === undefined ? {} : { stdin }),
      };
      return await operator.exec(withExecPath(url, execPath), command, options, signal);
    },
  };
}

/** Delegated tokens that open one tunnel, and there one path and what is below it. */
export function tokenPort(operators: Operators): TokenPort {
  return {
    async mintForTunnel(request, { signal, project }) {
      return mintTunnelToken(await operators.for(project), request, signal);
    },
  };
}
