import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { approve, needsApproval, type ApprovalHook, type ApprovalRequest } from '../src/approval.ts';
import { planOf } from './plan-world.ts';

const scratch = mkdtempSync(join(tmpdir(), 'rstream-approval-'));
let scripts = 0;

/** An approval program with this text. */
function hook(text: string, change: Partial<ApprovalHook> = {}): ApprovalHook {
  const file = join(scratch, `hook-${scripts++}`);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return { command: [file], when: 'command', ...change };
}

const request: ApprovalRequest = {
  what: 'command',
  argv: ['rm', '-rf', 'a b', ''],
  cwd: '/srv',
  user: 'app',
  terminal: false,
  caller: { userId: 'u1', credentialId: 'c1', sourceIp: '192.0.2.1', streamId: 's1' },
};
const ask = (approveBy: ApprovalHook, signal?: AbortSignal, what = request.what) =>
  approve({ approve: approveBy }, { ...request, what }, signal);

/** True while any process of the group that wrote this file runs. One that nobody has reaped yet does not. */
function groupLives(pidFile: string): boolean {
  const group = readFileSync(pidFile, 'utf8').trim();
  const processes = execFileSync('ps', ['-eo', 'pgid=,stat='], { encoding: 'utf8' }).split('\n');
  return processes.some((line) => {
    const [pgid, state = ''] = line.trim().split(/\s+/);
    return pgid === group && !state.startsWith('Z');
  });
}

describe('an approval', () => {
  it('is given with exit code 0', async () => {
    expect(await ask(hook('exit 0'))).toEqual({ approved: true });
  });

  it('is given without asking when the policy has no program, or one for the other question', async () => {
    expect(await approve({}, request)).toEqual({ approved: true });
    const never = hook('exit 1', { when: 'write' });
    expect(await ask(never)).toEqual({ approved: true });
    expect(await ask(never, undefined, 'write')).toMatchObject({ approved: false });
    expect([needsApproval({ approve: never }, 'command'), needsApproval({ approve: never }, 'write')]).toEqual([false, true]);
    expect(await ask(hook('exit 1', { when: 'both' }))).toMatchObject({ approved: false });
    expect(await ask(hook('exit 1', { when: 'both' }), undefined, 'write')).toMatchObject({ approved: false });
  });

  it.each([
    ['its last line is the reason', 'echo asking; echo "not today"; exit 1', 'The approval of this command was denied: not today'],
    ['also without an end', 'printf "no\\n\\n  later  "; exit 3', 'The approval of this command was denied: later'],
    ['without a word', 'exit 1', 'The approval of this command was denied.'],
    ['what it says on stderr stays on the device', 'echo secret >&2; exit 1', 'The approval of this command was denied.'],
    [
      'nothing in it acts on a terminal',
      'printf "a\\033[2Jb\\007\\342\\200\\256c"; exit 1',
      'The approval of this command was denied: a[2Jbc',
    ],
    ['a crash is a no', 'echo fine; kill -SEGV $$', "The approval of this command failed: the device's approval program did not finish."],
  ])('is denied with any other code: %s', async (_name, text, message) => {
    expect(await ask(hook(text))).toEqual({ approved: false, message });
  });

  it('says what was denied', async () => {
    expect(await ask(hook('exit 1', { when: 'both' }), undefined, 'write')).toEqual({
      approved: false,
      message: 'The approval of input to this terminal was denied.',
    });
  });

  it('is denied when the program cannot be started', async () => {
    const plain = hook('exit 0');
    chmodSync(plain.command[0] ?? '', 0o644);
    for (const command of [['/no/such/program'], ['/'], plain.command]) {
      expect(await ask({ command, when: 'command' })).toMatchObject({
        approved: false,
        message: expect.stringContaining('approval of this command failed') as string,
      });
    }
  });

  it('is denied at the timeout, and nothing of the program is left', async () => {
    const pid = join(scratch, 'late');
    const slow = hook(`trap "" TERM; echo $$ >${pid}; sleep 300 & sleep 300`, { timeoutMs: 300 });
    const start = performance.now();
    expect(await ask(slow)).toEqual({ approved: false, message: 'The approval of this command did not come in time.' });
    expect(performance.now() - start).toBeLessThan(5_000);
    await expect.poll(() => groupLives(pid)).toBe(false);
  });

  it('is given up with its signal', async () => {
    const pid = join(scratch, 'aborted');
    const abort = new AbortController();
    const asking = ask(hook(`echo $$ >${pid}; sleep 300`), abort.signal);
    await expect.poll(() => existsSync(pid) && readFileSync(pid, 'utf8').endsWith('\n')).toBe(true);
    abort.abort();
    expect(await asking).toEqual({ approved: false, message: 'The approval of this command was given up.' });
    await expect.poll(() => groupLives(pid)).toBe(false);
    expect(await ask(hook('exit 0'), abort.signal)).toMatchObject({ approved: false });
  });

  it('does not wait for what the program leaves behind, and ends it', async () => {
    const pid = join(scratch, 'left');
    const start = performance.now();
    expect(await ask(hook(`echo $$ >${pid}; sleep 300 & exit 0`))).toEqual({ approved: true });
    expect(performance.now() - start).toBeLessThan(5_000);
    await expect.poll(() => groupLives(pid)).toBe(false);
  });

  it('keeps the end of endless output only', async () => {
    const chatty = hook('head -c 20000000 /dev/zero | tr "\\0" x; echo; echo enough; exit 1', { timeoutMs: 30_000 });
    expect(await ask(chatty)).toMatchObject({ message: 'The approval of this command was denied: enough' });
    const oneLine = await ask(hook('head -c 1000000 /dev/zero | tr "\\0" y; exit 1'));
    expect(oneLine).toMatchObject({ approved: false });
    expect('message' in oneLine && oneLine.message.length).toBeLessThan(300);
  });

  it('tells the program who wants what, in one line of JSON', async () => {
    const file = join(scratch, 'request');
    await ask(hook(`cat >${file}`));
    const text = readFileSync(file, 'utf8');
    expect(text.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(text)).toEqual({
      version: 1,
      what: 'command',
      argv: ['rm', '-rf', 'a b', ''],
      cwd: '/srv',
      user: 'app',
      terminal: false,
      caller: { user_id: 'u1', credential_id: 'c1', source_ip: '192.0.2.1', stream_id: 's1' },
    });
  });

  it('starts the program with a clean environment, in / and in a group of its own', async () => {
    const file = join(scratch, 'environment');
    process.env['RSTREAM_TEST_SECRET'] = 'leak';
    try {
      await ask(hook(`{ pwd; ps -o pgid= -p $$ | tr -d " "; echo $$; env; } >${file}`));
    } finally {
      delete process.env['RSTREAM_TEST_SECRET'];
    }
    const [cwd, group, pid, ...variables] = readFileSync(file, 'utf8').trim().split('\n');
    expect([cwd, group]).toEqual(['/', pid]);
    const names = variables.map((line) => line.split('=')[0] ?? '').filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name));
    expect(names.toSorted()).toEqual(['HOME', 'LANG', 'LOGNAME', 'PATH', 'USER']);
  });
});

describe('a plan with an approval program', () => {
  it('is made when it approves, which is what decided', async () => {
    const file = join(scratch, 'plan');
    const policy = { allow: [['true', '**']], approve: hook(`cat >${file}`) };
    const plan = await planOf({ argv: ['true', 'x'], cwd: '/', env: { LANG: 'secret' } }, { policy }, { caller: { userId: 'u2' } });
    expect(plan.decision).toBe('approved');
    const told = readFileSync(file, 'utf8');
    expect(JSON.parse(told)).toMatchObject({ argv: ['true', 'x'], cwd: '/', terminal: false, caller: { user_id: 'u2' } });
    expect(told).not.toContain('secret');
  });

  it('is refused when it does not', async () => {
    const policy = { approve: hook('echo "ask the owner"; exit 1') };
    await expect(planOf({ argv: ['true'] }, { policy })).rejects.toMatchObject({
      code: 'ERR_RSTREAM_COMMAND_DENIED',
      message: 'The approval of this command was denied: ask the owner',
      details: { rule: 'approve' },
    });
  });

  it('asks only about what the rules let through', async () => {
    const asked = join(scratch, 'asked');
    const policy = { allow: [['true']], approve: hook(`touch ${asked}`) };
    await expect(planOf({ argv: ['false'] }, { policy })).rejects.toMatchObject({ details: { rule: 'allow' } });
    await expect(planOf({ argv: ['true'], env: { FOO: 'x' } }, { policy })).rejects.toMatchObject({ details: { rule: 'env' } });
    expect(existsSync(asked)).toBe(false);
  });

  it('does not ask before the start about a program for input only', async () => {
    const policy = { approve: hook('exit 1', { when: 'write' }) };
    expect((await planOf({ argv: ['true'] }, { policy })).decision).toBe('default');
  });
});
