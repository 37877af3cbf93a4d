import type { ExecPort, InventoryPort, TokenPort } from '@rstream/mcp-tools';
import { privateScheme } from '@rstream/protocol/tunnel';
import { filterWebttyServers } from '@rstream/webtty-client';
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
      const device = url.includes('://') ? url : `${privateScheme}//${url}`;
      const target = execPath === undefined || execPath === '/' ? device : new URL(execPath, `${device.replace(/\/*$/, '')}/`).href;
      const options = {
        timeoutMs,
        maxOutputBytes,
        ...(workdir === undefined ? {} : { workdir }),
        ...(env === undefined ? {} : { env }),
        ...(user === undefined ? {} : { username: user }),
        ...(stdin === undefined ? {} : { stdin }),
      };
      return await operator.exec(target, command, options, signal);
    },
  };
}

/** Delegated tokens that open one tunnel, and there one path and what is below it. */
export function tokenPort(operators: Operators): TokenPort {
  return {
    async mintForTunnel({ tunnelId, projectId, path, ttlSeconds }, { signal, project }) {
      const operator = await operators.for(project);
      const params =
        path === undefined || path === '/' ? {} : { params: { path: { regex: `${escapePattern(path.replace(/\/$/, ''))}(/.*)?` } } };
      const leaf = {
        ...(projectId === undefined ? {} : { projects: [projectId] }),
        scopes: { tunnels: { connect: { filters: { id: tunnelId }, ...params } } },
      };
      const request = { permissions: ['tunnels.streams.create-delete' as const], resources: { tunnels: leaf }, expires_in: ttlSeconds };
      const minted = await operator.mintToken(request, signal);
      return { token: minted.token, expires_at: minted.expires_at ?? new Date(Date.now() + ttlSeconds * 1000).toISOString() };
    },
  };
}

const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
