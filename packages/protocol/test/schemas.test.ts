import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { PageQuery, Project, TokenCreate } from '@rstream/protocol/control';
import { ExecResult } from '@rstream/protocol/exec';
import {
  Client,
  ClientDetails,
  EngineEvent,
  Labels,
  Tunnel,
  TunnelListParams,
  TunnelName,
  TunnelProperties,
  WatchParams,
} from '@rstream/protocol/tunnel';
import { ClientMessage, OpenHeader, ServerMessage, WireErrorBody } from '@rstream/protocol/wire';

const many = (count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));
const details = { agent: 'cli', version: '0.1.0', protocol_version: '1.4.5' };
const ids = { id: 'x', status: 'online', user_id: 'u', workspace_id: 'w', project_id: 'p' };
const tunnel = { ...ids, creation_date: '2026-01-01T00:00:00Z', type: 'bytestream', publish: true, client_id: 'c' };
const client = { ...ids, ...details };
const project = {
  id: 'p',
  workspaceId: 'w',
  name: 'n',
  endpoint: '0badcafe',
  domain: 'd',
  enginePort: 443,
  status: 'active',
  routing: 'regional',
  plan: 'basic',
  deployment: 'shared',
};
const exec = {
  url: 'rstrm://a',
  command: ['true'],
  exit_code: 0,
  signal: null,
  timed_out: false,
  cancelled: false,
  stdout: '',
  stderr: '',
  truncated: false,
  stdout_truncated: false,
  stderr_truncated: false,
  stdout_bytes: 0,
  stderr_bytes: 0,
  encoding: 'utf8',
  duration_ms: 1.5,
};

/** A schema, what it takes and what it refuses. */
const tables: Record<string, [z.ZodType, unknown[], unknown[]]> = {
  TunnelName: [
    TunnelName,
    ['a', '0', 'web', 'my-box_1.2', 'a'.repeat(63)],
    ['', 'A', '-a', 'a-', '.a', 'a.', '_', 'a b', 'ä', 'a/b', 'a\n', 'a'.repeat(64), 1],
  ],
  Labels: [
    Labels,
    [{}, { 'application-protocol': 'x', 'rstream.webtty.fs/path': '' }, many(64), { k: 'v'.repeat(1024), ['k'.repeat(128)]: '' }],
    [{ '': 'v' }, { 'a b': 'v' }, { 'a\n': 'v' }, { ä: 'v' }, { k: 1 }, { k: 'v'.repeat(1025) }, { ['k'.repeat(129)]: '' }, many(65), []],
  ],
  TunnelProperties: [
    TunnelProperties,
    [
      {},
      { name: 'web', protocol: 'http', token_auth: true, labels: { a: 'b' } },
      { port: 1, protocol: 'tcp' },
      { port: 65_535 },
      { hostname: 'a-b.example.com', geo_ip: ['FR', 'DE'], trusted_ips: ['10.0.0.0/8'] },
      { http_version: 'h2c' },
    ],
    [
      null,
      { port: 0 },
      { port: 65_536 },
      { port: 80.5 },
      { port: '80' },
      { protocol: 'ftp' },
      { type: 'stream' },
      { http_version: 'h1' },
      { tls_mode: 'off' },
      { tls_min_version: 'tls1.1' },
      { geo_ip: ['fr'] },
      { geo_ip: ['FRA'] },
      { hostname: 'A.example' },
      { hostname: '-a.example' },
      { hostname: 'a..b' },
      { hostname: `${'a'.repeat(64)}.b` },
      { hostname: Array.from({ length: 130 }, () => 'a').join('.') },
      { publish: 'yes' },
      { id: 'chosen-by-the-client' },
      { status: 'online' },
      { unknown: 1 },
    ],
  ],
  Tunnel: [
    Tunnel,
    [tunnel, { ...tunnel, host: 'h:8080', status: 'offline' }],
    [{}, { ...tunnel, status: 'idle' }, { ...tunnel, client_id: undefined }, { ...tunnel, token: 'x' }],
  ],
  ClientDetails: [
    ClientDetails,
    [details, { ...details, os: 'linux', arch: 'x64', labels: { a: 'b' } }],
    [{}, { ...details, agent: 'a'.repeat(129) }, { ...details, version: 1 }],
  ],
  Client: [Client, [client], [details, { ...client, status: 'gone' }]],
  TunnelListParams: [
    TunnelListParams,
    [{}, { limit: 1 }, { filters: { labels: { a: 'b' }, publish: false } }],
    [{ limit: 0 }, { limit: '5' }, { filters: { labels: ['a'] } }, { filter: {} }],
  ],
  WatchParams: [WatchParams, [{}, { tunnels: { name: 'a' }, clients: { os: 'linux' } }], [{ tunnel: {} }, { clients: { token: 'x' } }]],
  EngineEvent: [
    EngineEvent,
    [
      { type: 'state.initial', object: { snapshot_at: 'now', clients: [client], tunnels: [tunnel] } },
      { type: 'tunnel.created', id: 'e1', object: tunnel },
      { type: 'client.deleted', object: client },
    ],
    [
      { type: 'state.initial', object: {} },
      { type: 'tunnel.created', object: client },
      { type: 'tunnel.moved', object: tunnel },
      { object: tunnel },
    ],
  ],
  OpenHeader: [
    OpenHeader,
    [
      { kind: 'control' },
      { kind: 'dial', target: 'box' },
      { kind: 'dial', target: 'box', path: '/a' },
      { kind: 'tunnel', tunnel_id: 't', stream_id: 's', via: 'edge' },
    ],
    [
      {},
      { kind: 'control', extra: 1 },
      { kind: 'dial' },
      { kind: 'dial', target: '' },
      { kind: 'dial', target: 'a'.repeat(129) },
      { kind: 'dial', target: 'a', path: 'a'.repeat(4097) },
      { kind: 'tunnel', tunnel_id: 't', stream_id: 's', via: 'cloud' },
      { kind: 'tunnel', tunnel_id: 't', via: 'edge' },
      { kind: 'other' },
    ],
  ],
  ClientMessage: [
    ClientMessage,
    [
      { type: 'hello', client: details, instance_id: 'i', generation: 0 },
      { type: 'tunnel.open', request_id: 'r', properties: {} },
      { type: 'tunnel.close', request_id: 'r', tunnel_id: 't' },
    ],
    [
      { type: 'hello', client: details, instance_id: 'i', generation: -1 },
      { type: 'hello', client: {}, instance_id: 'i', generation: 0 },
      { type: 'tunnel.open', request_id: 'r', properties: { name: 'NO' } },
      { type: 'tunnel.close', request_id: 'r'.repeat(65), tunnel_id: 't' },
      { type: 'welcome' },
    ],
  ],
  ServerMessage: [
    ServerMessage,
    [
      { type: 'welcome', client_id: 'c', server: { agent: 'relay', version: '0.1.0', protocol_version: '1.4.5' }, project: 'p' },
      { type: 'tunnel.opened', request_id: 'r', tunnel, forwarding: 'https://a' },
      { type: 'tunnel.closed', tunnel_id: 't', reason: { error: 'Gone.', code: 'TUNNEL_REPLACED' } },
      { type: 'failed', reason: { error: 'No.', code: 'FORBIDDEN', next: 'Ask.' } },
      { type: 'drain', retry_after_ms: 0 },
      { type: 'notice', message: 'm' },
      { type: 'notice', message: 'm', from_a_newer_relay: true },
    ],
    [
      { type: 'failed' },
      { type: 'drain', retry_after_ms: -1 },
      { type: 'tunnel.opened', request_id: 'r', tunnel: {}, forwarding: '' },
      { type: 'hello' },
    ],
  ],
  WireErrorBody: [
    WireErrorBody,
    [
      { error: 'No.', code: 'FORBIDDEN' },
      { error: 'No.', code: 'FROM_A_NEWER_PEER', next: 'Wait.', more: 1 },
    ],
    [{ error: 'No.' }, { code: 'FORBIDDEN' }, 'No.'],
  ],
  PageQuery: [
    PageQuery,
    [{}, { page: '2', pageSize: '100', order: 'desc' }],
    [{ page: '0' }, { pageSize: '101' }, { order: 'up' }, { page: 'x' }, { q: 'a'.repeat(257) }],
  ],
  Project: [
    Project,
    [project],
    [
      { ...project, endpoint: '0BADCAFE' },
      { ...project, endpoint: '0badcaf' },
      { ...project, routing: 'fast' },
    ],
  ],
  TokenCreate: [
    TokenCreate,
    [
      { permissions: null },
      { permissions: [], expires_in: 1 },
      { permissions: ['tunnels.resources.read-only'], expires_in: 3600, resources: { tunnels: { projects: ['p'] } } },
    ],
    [
      {},
      { permissions: ['all'] },
      { permissions: null, expires_in: 0 },
      { permissions: null, expires_in: 3601 },
      { permissions: null, expires_in: 1.5 },
      { permissions: null, resources: {} },
      { permissions: null, scope: 'x' },
    ],
  ],
  ExecResult: [
    ExecResult,
    [exec, { ...exec, exit_code: null, signal: 'SIGKILL', encoding: 'base64' }],
    [{ ...exec, exit_code: 1.5 }, { ...exec, encoding: 'latin1' }, { ...exec, signal: 9 }, {}],
  ],
};

describe.each(Object.entries(tables))('%s', (_name, [schema, good, bad]) => {
  it.each(good.map((value) => ({ value })))('takes $value', ({ value }) => {
    expect(schema.safeParse(value).error?.issues).toBeUndefined();
  });
  it.each(bad.map((value) => ({ value })))('refuses $value', ({ value }) => {
    expect(schema.safeParse(value).success).toBe(false);
  });
});

it('a page query has defaults', () => {
  expect(PageQuery.parse({})).toEqual({ page: 1, pageSize: 20, order: 'asc' });
});

it('the package needs nothing of Node: it does no IO', async () => {
  const { readFileSync } = await import('node:fs');
  const source = new URL('../src/', import.meta.url);
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const guilty = files.filter((file) =>
    /from 'node:|\bprocess\.(?:env|std|on|cwd)|\bconsole\.[a-z]+\(/.test(readFileSync(new URL(file, source), 'utf8')),
  );
  expect(guilty).toEqual([]);
});
