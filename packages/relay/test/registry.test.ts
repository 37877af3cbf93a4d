import * as fc from 'fast-check';
import { RstreamError } from '@rstream/protocol';
import type { Tunnel } from '@rstream/protocol/tunnel';
import { expect, test } from 'vitest';
import { addressFilter } from '../src/admit.ts';
import { hostPlan } from '../src/hostnames.ts';
import { Registry, type Holder, type TunnelEntry } from '../src/registry.ts';
import { otherProject, project } from './world.ts';

const limits = { offlineRetention: 100, offlineMemory: 1000, offlineHostnames: 3 };

interface FakeHolder extends Holder {
  isOnline: boolean;
  readonly fenced: string[];
}

let nextId = 0;
function holder(more: Partial<Holder> = {}): FakeHolder {
  nextId += 1;
  const fenced: string[] = [];
  return {
    project,
    clientId: `c${nextId}`,
    credentialId: 'same',
    instanceId: `i${nextId}`,
    generation: 0,
    isOnline: true,
    fenced,
    openStream: () => {
      throw new RstreamError('SESSION_LOST');
    },
    fence: (id) => fenced.push(id),
    ...more,
  };
}

function connect(registry: Registry, by: Holder): void {
  registry.addClient(by, {
    id: by.clientId,
    status: 'online',
    agent: 'a',
    version: '1',
    protocol_version: '1.0.0',
    user_id: 'u',
    workspace_id: 'w',
    project_id: by.project.id,
  });
}

function open(registry: Registry, by: Holder, more: Partial<Tunnel>): TunnelEntry {
  nextId += 1;
  const id = `t${nextId}`;
  const record: Tunnel = {
    id,
    status: 'online',
    creation_date: '',
    type: 'bytestream',
    publish: false,
    client_id: by.clientId,
    user_id: 'u',
    workspace_id: 'w',
    project_id: by.project.id,
    ...more,
  };
  return registry.open({ id, holder: by, record, admits: () => true });
}

test('names are found by id first and are unique within their project only', () => {
  const registry = new Registry(limits);
  const [mine, theirs] = [holder(), holder({ project: otherProject })];
  const a = open(registry, mine, { name: 'web' });
  const b = open(registry, theirs, { name: 'web' });
  expect(registry.resolve(project, 'web')).toBe(a);
  expect(registry.resolve(otherProject, 'web')).toBe(b);
  expect(registry.resolve(project, a.id)).toBe(a);
  expect(registry.resolve(otherProject, a.id)).toBeUndefined();
});

test('a newcomer that wants a name of one holder and the host name of another takes both or none', () => {
  const registry = new Registry(limits);
  const [first, rival, newcomer] = [holder(), holder({ credentialId: 'other' }), holder()];
  const named = open(registry, first, { name: 'web' });
  open(registry, rival, { hostname: 'h' });
  expect(() => open(registry, newcomer, { name: 'web', hostname: 'h' })).toThrow(/another credential/);
  expect([named.live, first.fenced]).toEqual([true, []]);
  rival.isOnline = false;
  const taken = open(registry, newcomer, { name: 'web', hostname: 'h' });
  expect([named.live, first.fenced, registry.byHostname('h')]).toEqual([false, [named.id], taken]);
});

test('a lost client is shown as offline, then removed; its host name is remembered longer, within a bound', () => {
  const registry = new Registry(limits);
  const changes: string[] = [];
  registry.onChange((change) => changes.push(`${change.type} ${change.object.status}`));
  const lost = holder();
  connect(registry, lost);
  open(registry, lost, { hostname: 'h' });
  registry.clientGone(lost, { clean: false, now: 0 });
  expect(registry.byHostname('h')?.live).toBe(false);
  registry.expire(99);
  expect(registry.tunnelCount).toBe(1);
  registry.expire(100);
  expect([registry.tunnelCount, registry.clientCount, registry.isRemembered('h')]).toEqual([0, 0, true]);
  registry.expire(1000);
  expect(registry.isRemembered('h')).toBe(false);
  expect(changes).toEqual([
    'client.created online',
    'tunnel.created online',
    'tunnel.updated offline',
    'client.updated offline',
    'tunnel.deleted offline',
    'client.deleted offline',
  ]);
  for (let index = 0; index < 10; index += 1) {
    const gone = holder();
    open(registry, gone, { hostname: `h${index}` });
    registry.clientGone(gone, { clean: true, now: 2000 });
  }
  expect([6, 7, 8, 9].map((index) => registry.isRemembered(`h${index}`))).toEqual([false, true, true, true]);
});

test('a process that comes back replaces what its lost connection left behind', () => {
  const registry = new Registry(limits);
  const before = holder({ instanceId: 'process' });
  connect(registry, before);
  open(registry, before, { name: 'web' });
  registry.clientGone(before, { clean: false, now: 0 });
  connect(registry, holder({ instanceId: 'process', generation: 1 }));
  expect([registry.clientCount, registry.tunnelCount]).toEqual([1, 0]);
});

test('whatever happens, every name leads to a tunnel that has it, and no two live tunnels share one', () => {
  const action = fc.record({
    who: fc.nat({ max: 3 }),
    name: fc.constantFrom('a', 'b', undefined),
    host: fc.constantFrom('x', 'y', undefined),
    kind: fc.constantFrom('open', 'open', 'gone', 'close'),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const registry = new Registry(limits);
      const makeHolder = (index: number): FakeHolder => holder({ credentialId: index < 2 ? 'one' : 'two' });
      const holders = [0, 1, 2, 3].map(makeHolder);
      const all: TunnelEntry[] = [];
      for (const { who, name, host, kind } of actions) {
        const by = holders[who] as FakeHolder;
        try {
          if (kind === 'open')
            all.push(open(registry, by, { ...(name === undefined ? {} : { name }), ...(host === undefined ? {} : { hostname: host }) }));
        } catch (error) {
          if (!RstreamError.is(error)) throw error;
        }
        if (kind === 'close') for (const entry of registry.tunnelsOf(by)) registry.close(by, entry.id);
        if (kind === 'gone') {
          by.isOnline = false;
          registry.clientGone(by, { clean: who % 2 === 0, now: 0 });
          holders[who] = makeHolder(who);
        }
      }
      const live = all.filter((entry) => entry.live);
      for (const key of ['name', 'hostname'] as const) {
        const values = live.flatMap((entry) => entry.record[key] ?? []);
        expect(new Set(values).size).toBe(values.length);
      }
      for (const entry of live) {
        const { name = entry.id, hostname } = entry.record;
        expect(registry.resolve(project, name)).toBe(entry);
        expect(hostname === undefined || registry.byHostname(hostname) === entry).toBe(true);
      }
    }),
  );
});

test('host names follow the plan, whatever the port and the scheme', () => {
  const plan = hostPlan('Example.com:8443', true);
  expect(plan.hostnameFor(project, 'shop')).toBe('shop-f587ee53.t.example.com');
  expect(plan.url('shop-f587ee53.t.example.com')).toBe('https://shop-f587ee53.t.example.com:8443');
  expect(hostPlan('example.com:443', true).url('a')).toBe('https://a');
  expect(plan.endpointOf('shop-f587ee53.t.example.com')).toBe('f587ee53');
  expect(plan.isPublished('a.b.t.example.com')).toBe(true);
  expect(plan.isPublished('f587ee53.example.com')).toBe(false);
  for (const bad of ['a.b-f587ee53.t.example.com', 'f587ee53.t.example.com', '-f587ee53.t.example.com', `${'a'.repeat(60)}-f587ee53`]) {
    expect(() => plan.hostnameFor(project, bad)).toThrow(RstreamError);
  }
});

test('trusted addresses match single ones and ranges of their family', () => {
  const admits = addressFilter(['10.0.0.0/8', '192.168.1.7', '2001:db8::/32']);
  expect(['10.1.2.3', '192.168.1.7', '2001:db8::1'].map(admits)).toEqual([true, true, true]);
  expect(['11.0.0.1', '192.168.1.8', '2001:db9::1', 'nonsense', ''].map(admits)).toEqual([false, false, false, false, false]);
  for (const bad of ['10.0.0.0/33', '10.0.0.0/', '10.0.0/8', 'host', '1.2.3.4/8/8']) expect(() => addressFilter([bad])).toThrow(bad);
});
