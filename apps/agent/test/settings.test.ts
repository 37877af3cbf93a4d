import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deviceLabels, parseOsRelease, readHostFacts } from '../src/device-labels.ts';
import { loadSettings } from '../src/settings.ts';

const scratch = mkdtempSync(join(tmpdir(), 'rstream-agent-'));
const flags = { engine: 'e:1', tokenFile: 't', name: 'n' };

function configFile(text: string): string {
  const path = join(scratch, 'agent.yaml');
  writeFileSync(path, text);
  return path;
}

describe('settings', () => {
  it('have defaults', async () => {
    expect(await loadSettings(flags)).toMatchObject({ ...flags, carrier: 'auto', maxSessions: 64, shutdownTimeoutMs: 10_000, labels: {} });
  });

  it('publish the device only when told to, with a host name and origins that go with it', async () => {
    expect(await loadSettings(flags)).toMatchObject({ publish: false, allowedOrigins: [] });
    const published = { ...flags, publish: true, hostname: 'build', allowedOrigins: ['https://console.example.com:8443', 'localhost'] };
    expect(await loadSettings(published)).toMatchObject(published);
    await expect(loadSettings({ ...published, publish: false })).rejects.toMatchObject({ code: 'ERR_RSTREAM_AGENT_CONFIG' });
    for (const wrong of ['*', 'https://a.example/path', 'https://*.example', 'ftp://a.example', '']) {
      await expect(loadSettings({ ...published, allowedOrigins: [wrong] })).rejects.toThrow(/allowedOrigins\.0: must be an origin/);
    }
  });

  it('come from the file, with paths relative to it, and flags win', async () => {
    const config = configFile(`
version: 1
engine: file:1
tokenFile: secrets/token
name: from-file
labels: { rack: "7", room: a }
policy:
  allow: ["git **", [systemctl, status, "*"]]
  cwdRoots: [/srv]
`);
    expect(await loadSettings({ config, name: 'from-flag', labels: { room: 'b' } })).toMatchObject({
      engine: 'file:1',
      tokenFile: join(scratch, 'secrets/token'),
      name: 'from-flag',
      labels: { rack: '7', room: 'b' },
      policy: {
        allow: [
          ['git', '**'],
          ['systemctl', 'status', '*'],
        ],
        cwdRoots: ['/srv'],
      },
    });
  });

  it('offer terminals only when the policy or the flag says so, and the flag leaves the rest of the policy', async () => {
    const config = configFile('policy: { allow: [uptime], terminal: false }');
    expect((await loadSettings({ ...flags, config })).policy).toEqual({ allow: [['uptime']], terminal: false });
    expect((await loadSettings({ ...flags, config, allowTerminal: true })).policy).toEqual({ allow: [['uptime']], terminal: true });
    expect((await loadSettings(flags)).policy).toBeUndefined();
  });

  it.each([
    ['engine: [', 'agent.yaml'],
    ['- list', 'must be a mapping'],
    ['nmae: x', 'nmae'],
    ['policy: { cwdRoots: [relative] }', 'policy.cwdRoots.0'],
    ['policy: { allow: [""] }', 'policy.allow.0'],
    ['labels: { "bad key": x }', 'labels'],
    ['executionMode: sudo', 'executionMode'],
    ['policy: { users: [""] }', 'policy.users.0'],
    ['policy: { maxIdleMs: 0 }', 'policy.maxIdleMs'],
    ['policy: { approve: { command: [] } }', 'policy.approve.command'],
    ['policy: { approve: { command: [ask-me] } }', 'absolute path'],
    ['policy: { approve: { command: [/ask], when: always } }', 'policy.approve.when'],
    ['policy: { approve: { command: [/ask], timeoutMs: 600001 } }', 'policy.approve.timeoutMs'],
    ['policy: { allow: ["sh -c \'a b\'"] }', 'policy.allow.0: has quotes'],
    ['{ executionMode: login, allowClientUser: true }', 'policy.users: is required'],
  ])('refuse %s', async (text, message) => {
    await expect(loadSettings({ ...flags, config: configFile(text) })).rejects.toMatchObject({
      code: 'ERR_RSTREAM_AGENT_CONFIG',
      message: expect.stringContaining(message) as string,
    });
  });

  it('name the accounts of commands and who approves them', async () => {
    expect(await loadSettings(flags)).toMatchObject({ executionMode: 'spawn', allowClientUser: false });
    const config = configFile(`
executionMode: login
loginUser: deploy
allowClientUser: true
policy:
  users: ['app-*']
  maxIdleMs: 60000
  readOnlyTerminal: true
  approve: { command: [/usr/local/bin/ask, --quiet] }
`);
    expect(await loadSettings({ ...flags, config, loginUser: 'other' })).toMatchObject({
      executionMode: 'login',
      loginUser: 'other',
      allowClientUser: true,
      policy: {
        users: ['app-*'],
        maxIdleMs: 60_000,
        readOnlyTerminal: true,
        approve: { command: ['/usr/local/bin/ask', '--quiet'], when: 'command' },
      },
    });
  });

  it('refuse a file that is not there', async () => {
    await expect(loadSettings({ config: '/no/such.yaml' })).rejects.toThrow('/no/such.yaml cannot be read (ENOENT)');
  });
});

describe('device labels', () => {
  it('say what kind of tunnel this is and what runs on the machine', async () => {
    expect(deviceLabels(await readHostFacts(), { rack: '7' })).toMatchObject({
      'application-protocol': 'rstream.webtty',
      'rstream.webtty.capabilities': 'exec',
      'rstream.webtty.execution.mode': 'spawn',
      'rstream.webtty.label.rack': '7',
      'rstream.webtty.os_family': process.platform === 'win32' ? 'windows' : process.platform,
    });
  });

  it('name terminals among the capabilities when they are offered', async () => {
    expect(deviceLabels(await readHostFacts(), {}, { terminal: true })).toMatchObject({ 'rstream.webtty.capabilities': 'exec,terminal' });
  });

  it('say whom commands run as', async () => {
    expect(deviceLabels(await readHostFacts(), {}, { executionMode: 'login' })).toMatchObject({ 'rstream.webtty.execution.mode': 'login' });
  });

  it('read os-release with its quotes and escapes', () => {
    const text = '# comment\nID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME=\'single\'\nODD="a\\"b\\$c"\n\nBROKEN';
    expect(parseOsRelease(text)).toEqual({ ID: 'debian', PRETTY_NAME: 'Debian GNU/Linux 12 (bookworm)', NAME: 'single', ODD: 'a"b$c' });
  });
});
