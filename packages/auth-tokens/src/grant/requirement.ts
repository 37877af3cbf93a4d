import type { Action, Permission, TunnelScopes } from '@rstream/protocol/claims';
import { wellKnownLabels } from '@rstream/protocol/tunnel';
import type { TunnelFields } from './match.ts';

export type ScopeName = keyof TunnelScopes;

/** One way to be allowed: hold the permission, and pass these scopes (none = only the target counts). */
export interface Requirement {
  readonly permission: Permission;
  readonly scopes: readonly ScopeName[];
}

const create: Requirement = { permission: 'tunnels.tunnels.create-delete', scopes: ['create'] };
const connect: Requirement = { permission: 'tunnels.streams.create-delete', scopes: ['connect'] };
const list: Requirement = { permission: 'tunnels.resources.read-only', scopes: ['list'] };
const webttyConnect: Requirement = { permission: 'webtty.sessions.read-write', scopes: ['connect'] };
const webttyList: readonly Requirement[] = [
  { permission: 'webtty.sessions.read-only', scopes: ['list'] },
  { permission: 'webtty.sessions.read-write', scopes: ['list'] },
];

const sessionOpen = [create, connect, webttyConnect];
const tunnelCreate = [create];
const tunnelConnect = [connect];
const tunnelConnectWebtty = [connect, webttyConnect];
const tunnelList = [list];
const tunnelListWebtty = [list, ...webttyList];

// Permissions of the control plane that act on tunnels, and so keep to the tunnel scopes too.
const controlScopes: Partial<Record<Permission, readonly ScopeName[]>> = {
  'tunnels.resources.read-only': ['list'],
  'tunnels.tunnels.create-delete': ['create'],
  'tunnels.streams.create-delete': ['connect'],
  'webtty.sessions.read-only': ['list'],
  'webtty.sessions.read-write': ['list', 'connect'],
  'webtty.logs.read-only': ['list'],
};

/**
 * The ways in which an action can be allowed; one is enough. A session needs a reason to exist: creating tunnels or reaching
 * them. The WebTTY session permissions stand in for the general ones on WebTTY tunnels only.
 */
export function requirementsOf(action: Action): readonly Requirement[] {
  switch (action.type) {
    case 'session.open':
      return sessionOpen;
    case 'tunnel.create':
      return tunnelCreate;
    case 'tunnel.connect':
      return isWebtty(action.tunnel) ? tunnelConnectWebtty : tunnelConnect;
    case 'tunnel.list':
      return action.tunnel === undefined || isWebtty(action.tunnel) ? tunnelListWebtty : tunnelList;
    default:
      return [{ permission: action.permission, scopes: controlScopes[action.permission] ?? [] }];
  }
}

function isWebtty({ protocol, labels }: TunnelFields): boolean {
  if (protocol === 'webtty') return true;
  if (typeof labels !== 'object' || labels === null) return false;
  return (labels as TunnelFields)[wellKnownLabels.applicationProtocol] === wellKnownLabels.webtty.application;
}
