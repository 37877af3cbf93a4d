import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { linkedPair } from '@rstream/tunnel-core';
import { collect } from '@rstream/webtty-client';
import { CommandServer, recordSessions, verifyRecording } from '@rstream/webtty-server';
import { createLogger } from '../src/log.ts';
import { startRecordings } from '../src/recordings/settings.ts';
import { loadSettings } from '../src/settings.ts';
import { duplexTransport } from './duplex-transport.ts';

const scratch = mkdtempSync(join(tmpdir(), 'rstream-agent-recordings-'));
const directory = join(scratch, 'kept');
const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url));
const base = '20260102T030405.000Z';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real command, in a process of its own. */
function agent(...argv: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const options = ['--conditions=@rstream/source', '--disable-warning=ExperimentalWarning', bin];
    execFile(process.execPath, [...options, 'recordings', ...argv], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

beforeAll(async () => {
  const recordings = await recordSessions({ mode: 'always', directory });
  for (const [id, user] of [
    ['first', 'ada@example.com'],
    ['second', 'grace\u001b[31m@example.com'],
  ] as const) {
    const observer = await recordings.observe({
      id,
      argv: ['bash', '-l'],
      cwd: '/srv',
      startedAt: new Date('2026-01-02T03:04:05.000Z'),
      caller: { userId: user },
      label: '',
      terminal: { size: { row: 24, col: 80, xpixel: 0, ypixel: 0 }, term: 'xterm-256color' },
      recordingAsked: false,
    });
    for (const text of ['$ vi\r\n', '\u001b[?1049hdraft', '\u001b[?1049l', '\u001b[1mdone\u001b[0m\r\n'])
      observer?.output('stdout', Buffer.from(text));
    observer?.end({ code: 3, signal: null });
  }
  await recordings.close();
});

describe('rstream-agent recordings', () => {
  it('list: when, who and how long, as text and as JSON', async () => {
    const text = await agent('list', '--dir', directory);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout.split('\n')).toMatchObject([
      expect.stringMatching(/^RECORDING +LENGTH +SIZE +WHO +COMMAND$/),
      expect.stringMatching(/^20260102T030405\.000Z-first\.cast +0 s +1 kB +ada@example\.com +bash -l$/),
      expect.stringContaining('grace\ufffd[31m@example.com'),
      '',
    ]);
    const json = JSON.parse((await agent('list', '--dir', directory, '-o', 'json')).stdout) as unknown;
    expect(json).toMatchObject([
      {
        name: `${base}-first.cast`,
        session_id: 'first',
        user_id: 'ada@example.com',
        started_at: '2026-01-02T03:04:05.000Z',
        finished: true,
      },
      { session_id: 'second' },
    ]);
  });

  it('show: one recording by its name or its session, with its state and exit code', async () => {
    const { code, stdout } = await agent('show', 'first', '--dir', directory, '-o', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ session_id: 'first', exit_code: 3, state: 'intact', command: 'bash -l', terminal: true });
    expect((await agent('show', `${base}-first`, '--dir', directory)).stdout).toMatch(/^exit_code +3$/m);
  });

  it('export: v3 to the byte, v2 with absolute times, text without escape sequences and without the editor', async () => {
    const v3 = await agent('export', 'first', '--dir', directory);
    expect(v3.stdout).toBe(readFileSync(join(directory, `${base}-first.cast`), 'utf8'));
    const v2 = await agent('export', 'first', '--dir', directory, '--format', 'v2');
    expect(JSON.parse(v2.stdout.split('\n')[0] ?? '')).toMatchObject({ version: 2, width: 80, height: 24 });
    expect((await agent('export', 'first', '--dir', directory, '--format', 'text')).stdout).toBe('$ vi\ndone\n');
  });

  it('verify: 0 when all is intact, 1 and the line when one byte was changed', async () => {
    expect(await agent('verify', '--dir', directory)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^intact .*\nintact .*\n$/) as string,
    });
    const path = join(directory, `${base}-second.cast`);
    const good = readFileSync(path, 'utf8');
    writeFileSync(path, good.replace('done', 'dune'));
    const text = await agent('verify', '--dir', directory);
    writeFileSync(path, good);
    expect(text.code).toBe(1);
    expect(text.stdout).toMatch(/^changed +20260102T030405\.000Z-second\.cast +One of the lines 2 to \d was changed\.$/m);
    expect(text.stderr).toContain('1 of 2 recordings are not intact. [ERR_RSTREAM_RECORDING_CHANGED]');
    expect(await agent('verify', 'second', '--dir', directory)).toMatchObject({ code: 0 });
  });

  it('says what is wrong with a code: no such recording, no such folder, no verb, another folder', async () => {
    expect(await agent('show', 'third', '--dir', directory)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ERR_RSTREAM_RECORDING_NOT_FOUND') as string,
    });
    expect(await agent('export', '../../etc/passwd', '--dir', directory)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('ERR_RSTREAM_RECORDING_NOT_FOUND') as string,
    });
    expect(await agent('list', '--dir', join(scratch, 'none'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('RECORDING_DIRECTORY') as string,
    });
    expect(await agent()).toMatchObject({ code: 2, stderr: expect.stringContaining('list, show, verify or export') as string });
    expect(await agent('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('verify') as string });
  });
});

describe('settings for recordings', () => {
  const flags = { engine: 'e:1', tokenFile: 't', name: 'n' };
  const configFile = (text: string): string => {
    const path = join(scratch, 'agent.yaml');
    writeFileSync(path, text);
    return path;
  };

  it('are off by default, come from the file with defaults and a folder relative to it, and flags win', async () => {
    expect((await loadSettings(flags)).recording).toBeUndefined();
    const config = configFile("recording: { mode: asked, directory: kept, maxAgeDays: 7, redact: ['pass\\w+'] }");
    const recording = {
      mode: 'asked',
      directory: join(scratch, 'kept'),
      input: false,
      maxAgeDays: 7,
      maxFileBytes: 104_857_600,
      redact: ['pass\\w+'],
    };
    expect((await loadSettings({ ...flags, config })).recording).toMatchObject(recording);
    expect((await loadSettings({ ...flags, config, record: 'required', recordDir: '/r' })).recording).toMatchObject({
      ...recording,
      mode: 'required',
      directory: '/r',
    });
    expect((await loadSettings({ ...flags, record: 'always', recordDir: '/r' })).recording).toMatchObject({
      mode: 'always',
      directory: '/r',
    });
  });

  it.each([
    ['recording: { mode: always }', 'recording.directory: is required'],
    ['recording: { mode: sometimes, directory: /r }', 'recording.mode'],
    ['recording: { maxFileBytes: 10 }', 'recording.maxFileBytes'],
    ['recording: { folder: /r }', 'folder'],
  ])('refuse %s', async (text, message) => {
    await expect(loadSettings({ ...flags, config: configFile(text) })).rejects.toMatchObject({
      code: 'ERR_RSTREAM_AGENT_CONFIG',
      message: expect.stringContaining(message) as string,
    });
  });

  it('with a wrong rule stop the agent before it serves anyone', async () => {
    const config = configFile("recording: { mode: always, directory: rules, redact: ['('] }");
    const { recording } = await loadSettings({ ...flags, config });
    await expect(startRecordings(recording, createLogger('silent'))).rejects.toMatchObject({ code: 'ERR_RSTREAM_REDACTION_RULE' });
  });
});

describe('a command that a client runs', () => {
  const run = async (mode: 'required' | 'never', folder: string) => {
    const { recording } = await loadSettings({ engine: 'e:1', tokenFile: 't', name: 'n', record: mode, recordDir: folder });
    const recordings = await startRecordings(recording, createLogger('silent'));
    const commands = new CommandServer({ environment: process.env, observe: recordings?.observe });
    const [near, far] = linkedPair();
    void commands.serve(far, { userId: 'ada@example.com' });
    const argv = ['sh', '-c', 'echo out; sleep 0.05; echo err >&2; exit 5'];
    const result = await collect(duplexTransport(near), { argv }, { url: 'rstrm://box' });
    await recordings?.close();
    return result;
  };

  it('is recorded with both streams, who ran it, and its exit code', async () => {
    const folder = join(scratch, 'required');
    expect(await run('required', folder)).toMatchObject({ exit_code: 5 });
    const name = readdirSync(folder).find((file) => file.endsWith('.cast')) ?? '';
    const [header, ...lines] = readFileSync(join(folder, name), 'utf8').trim().split('\n');
    expect(JSON.parse(header ?? '')).toMatchObject({ rstream: { user_id: 'ada@example.com', terminal: false } });
    expect(lines.map((line) => line.replace(/^\[[\d.]+,/, '['))).toEqual([
      '["o","out\\r\\n"]',
      '# stderr',
      '["o","err\\r\\n"]',
      '["x","5"]',
    ]);
    expect(await verifyRecording(join(folder, name))).toMatchObject({ state: 'intact' });
  });

  it('leaves nothing when the device does not record', async () => {
    const folder = join(scratch, 'never');
    expect(await run('never', folder)).toMatchObject({ exit_code: 5 });
    expect(existsSync(folder)).toBe(false);
  });
});
