import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { findAccount, groupsOf, parsePasswdLine, type SystemAccount } from '../src/account.ts';
import { loginEnvironment } from '../src/environment.ts';
import { launchOf } from '../src/launch.ts';
import { chooseAccount, resolveAccounts, type Accounts } from '../src/run-as.ts';
import { canMakeTerminals } from '../src/terminal/pty.ts';
import { deviceWith, planOf, runOnPipes, runOnTerminal } from './plan-world.ts';
import { run } from './raw-client.ts';

const isRoot = process.getuid?.() === 0;
const canEnter = isRoot && process.platform === 'linux';
const ifEntered = canEnter ? describe : describe.skip;
const own = deviceWith().account;

/** Any account that is not ours, better with groups beyond its own. */
async function someAccount(): Promise<SystemAccount> {
  const account = (await findAccount('nobody')) ?? (await findAccount('daemon'));
  if (account === undefined) throw new Error('this machine has neither "nobody" nor "daemon"');
  return account;
}

const idOf = (user: string): string[] => ['-u', '-g', '-G'].map((flag) => execFileSync('id', [flag, user], { encoding: 'utf8' }).trim());
const idScript = ['sh', '-c', 'id -u; id -g; id -G'];
const sorted = (groups = ''): string[] => groups.trim().split(' ').toSorted();

describe('an account', () => {
  it.each([
    [
      'nobody:x:65534:65533:Nobody:/nonexistent:/usr/sbin/nologin',
      { user: 'nobody', uid: 65534, gid: 65533, home: '/nonexistent', shell: '/usr/sbin/nologin' },
    ],
    ['svc:x:7:8:::', { user: 'svc', uid: 7, gid: 8, home: '/', shell: '/bin/sh' }],
    ['', undefined],
    ['# root:x:0', undefined],
    ['+@netgroup::::::', undefined],
    ['x:x:-1:0::/:/bin/sh', undefined],
    ['x:x:0:0::/:/bin/sh:more', undefined],
  ])('is read from the passwd line "%s"', (line, account) => {
    expect(parsePasswdLine(line)).toEqual(account);
  });

  it('is found by name and by uid', async () => {
    const account = await someAccount();
    expect(await findAccount(account.uid)).toEqual(account);
  });

  it.each(['', '0', '65534', '-s', '--help', 'no-such-account', 'root:x', 'a\nroot', '../root', 'roo t', 'x'.repeat(300)])(
    'is not found under "%s": a number, an option or a path is no name',
    async (name) => {
      expect(await findAccount(name)).toBeUndefined();
    },
  );

  it('has its groups, its own first', async () => {
    const account = await someAccount();
    expect(sorted((await groupsOf(account))?.join(' '))).toEqual(sorted(idOf(account.user)[2]));
    expect((await groupsOf(account))?.[0]).toBe(account.gid);
  });
});

describe('the accounts of a device', () => {
  it.each([
    [{}, 'spawn'],
    [{ executionMode: 'spawn' }, 'spawn'],
    [{ executionMode: 'login', allowClientUser: true }, 'login'],
    [{ executionMode: 'login', loginUser: own.user }, 'login'],
  ] as const)('%o give the mode %s', async (settings, mode) => {
    expect((await resolveAccounts(settings)).mode).toBe(mode);
  });

  it.each([
    [{ loginUser: 'nobody' }, 'spawn knows one account'],
    [{ executionMode: 'spawn', allowClientUser: true }, 'spawn knows one account'],
    [{ executionMode: 'login' }, 'needs an account'],
    [{ executionMode: 'login', loginUser: 'no-such-account' }, 'no account "no-such-account"'],
    [{ executionMode: 'login', loginUser: '0' }, 'no account "0"'],
  ] as const)('%o are refused at the start: %s', async (settings, message) => {
    await expect(resolveAccounts(settings)).rejects.toMatchObject({
      code: 'ERR_RSTREAM_LOGIN_USER',
      message: expect.stringContaining(message) as string,
    });
  });

  it('need no change of identity for the own account', async () => {
    const accounts = await resolveAccounts({ executionMode: 'login', loginUser: own.user });
    expect(accounts.fixed).toMatchObject({ user: own.user, entry: [], login: true });
  });

  it.skipIf(isRoot)('are refused at the start when only root could become them', async () => {
    const other = own.user === 'nobody' ? 'daemon' : 'nobody';
    await expect(resolveAccounts({ executionMode: 'login', loginUser: other })).rejects.toMatchObject({ code: 'ERR_RSTREAM_LOGIN_USER' });
  });
});

describe('the account of a command', () => {
  const fixed = { ...own, user: 'deploy', uid: 4711, login: true, entry: ['/entry'] };
  const login = (parts: Partial<Accounts>): Accounts => ({ mode: 'login', fixed, allowClientUser: false, ...parts });
  const choose = (accounts: Accounts | undefined, asked: { name?: string; id?: number }, users?: string[]) =>
    chooseAccount({ account: own, accounts, policy: { users } }, asked);

  it('is our own in the mode spawn, also when the client names it', async () => {
    const expected = { ...own, login: false, entry: [] };
    expect(await choose(undefined, {})).toEqual(expected);
    expect(await choose(undefined, { name: own.user })).toEqual(expected);
    expect(await choose(await resolveAccounts({}), { id: own.uid })).toEqual(expected);
    await expect(choose(undefined, { name: own.user === 'nobody' ? 'daemon' : 'nobody' }, ['*'])).rejects.toMatchObject({
      code: 'ERR_RSTREAM_COMMAND_UNSUPPORTED',
    });
  });

  it('is the fixed one in the mode login, also when the client names it', async () => {
    for (const asked of [{}, { name: '' }, { name: 'deploy' }, { id: 4711 }]) expect(await choose(login({}), asked)).toBe(fixed);
    await expect(choose(login({}), { name: own.user }, ['*'])).rejects.toMatchObject({ code: 'ERR_RSTREAM_COMMAND_UNSUPPORTED' });
    await expect(choose(login({}), { id: 0 }, ['*'])).rejects.toMatchObject({ code: 'ERR_RSTREAM_COMMAND_UNSUPPORTED' });
  });

  it('must be named where there is no fixed one', async () => {
    await expect(choose(login({ fixed: undefined, allowClientUser: true }), {}, ['*'])).rejects.toMatchObject({
      code: 'ERR_RSTREAM_COMMAND_UNSUPPORTED',
      message: expect.stringContaining('told the account') as string,
    });
  });

  it.each<[string, string | number, string[] | undefined]>([
    ['nothing is listed', 'nobody', undefined],
    ['it is not listed', 'nobody', ['deploy', 'app-*']],
    ['root is meant by a star', 'root', ['*']],
    ['root is meant by a glob', 'root', ['roo?', 'r*']],
    ['root is named by its uid and a star is listed', 0, ['*']],
    ['it does not exist', 'no-such-account', ['*']],
    ['its uid is given as a name', '0', ['*', 'root']],
  ])('is denied with one and the same sentence when %s', async (_why, who, users) => {
    const asked = typeof who === 'number' ? { id: who } : { name: who };
    await expect(choose(login({ allowClientUser: true }), asked, users)).rejects.toMatchObject({
      code: 'ERR_RSTREAM_COMMAND_DENIED',
      message: `The device has no account "${who}" for clients.`,
      details: { rule: 'users' },
    });
  });

  it.runIf(isRoot)('may be root when root is listed as it is', async () => {
    expect(await choose(login({ allowClientUser: true }), { name: 'root' }, ['root'])).toMatchObject({ uid: 0, entry: [] });
  });

  it.skipIf(isRoot)('is unsupported for each command when only root could become it', async () => {
    const other = own.user === 'nobody' ? 'daemon' : 'nobody';
    await expect(choose(login({ allowClientUser: true }), { name: other }, ['*'])).rejects.toMatchObject({
      code: 'ERR_RSTREAM_COMMAND_UNSUPPORTED',
    });
  });
});

describe('the environment of a login', () => {
  it('has path, locale, time zone and account, and nothing of the session or the credentials of the agent', async () => {
    const agent = {
      PATH: '/usr/bin:/bin',
      LANG: 'de_DE.UTF-8',
      LC_TIME: 'C',
      TZ: 'Europe/Berlin',
      HOME: '/root',
      TMPDIR: '/root/tmp',
      XDG_RUNTIME_DIR: '/run/user/0',
      SSH_AUTH_SOCK: '/root/agent',
      AWS_SECRET_ACCESS_KEY: 's',
      RSTREAM_TOKEN: 's',
    };
    const account = { home: '/srv/app', user: 'app', uid: 4_000_000_001, shell: '/bin/bash' };
    const { TMPDIR: _macOS, ...environment } = await loginEnvironment(agent, account);
    expect(environment).toEqual({
      PATH: '/usr/bin:/bin',
      LANG: 'de_DE.UTF-8',
      LC_TIME: 'C',
      TZ: 'Europe/Berlin',
      HOME: '/srv/app',
      SHELL: '/bin/bash',
      USER: 'app',
      LOGNAME: 'app',
    });
  });

  it.runIf(canEnter)('has the runtime directory when it is the account`s, and the bus only while something listens on it', async () => {
    const uid = 3_999_999_999;
    const directory = `/run/user/${uid}`;
    const account = { home: '/', user: 'u', uid, shell: '/bin/sh' };
    mkdirSync(directory, { recursive: true });
    try {
      expect(await loginEnvironment({}, account)).not.toHaveProperty('XDG_RUNTIME_DIR');
      chownSync(directory, uid, uid);
      writeFileSync(`${directory}/bus`, '');
      const dead = await loginEnvironment({}, account);
      expect(dead).toMatchObject({ XDG_RUNTIME_DIR: directory });
      expect(dead).not.toHaveProperty('DBUS_SESSION_BUS_ADDRESS');
      rmSync(`${directory}/bus`);
      const bus = createServer().listen(`${directory}/bus`);
      await new Promise((resolve) => bus.once('listening', resolve));
      expect(await loginEnvironment({}, account)).toMatchObject({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${directory}/bus` });
      bus.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

ifEntered(canEnter ? 'a command of another account' : 'a command of another account (only root on Linux can have one)', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'rstream-account-'));
  chmodSync(scratch, 0o755);
  /** An account of our own with groups of its own, if the machine lets us make one. */
  const made = `rs${process.pid}`;
  let canMake = true;
  try {
    for (const group of ['a', 'b']) execFileSync('groupadd', [`${made}${group}`], { stdio: 'ignore' });
    execFileSync('useradd', ['-M', '-d', scratch, '-s', '/bin/sh', '-G', `${made}a,${made}b`, made], { stdio: 'ignore' });
  } catch {
    canMake = false;
  }
  afterAll(() => {
    if (canMake) execFileSync('userdel', [made], { stdio: 'ignore' });
    for (const group of canMake ? ['a', 'b'] : []) execFileSync('groupdel', [`${made}${group}`], { stdio: 'ignore' });
    rmSync(scratch, { recursive: true });
  });
  const accountsOf = (loginUser: string): Promise<Accounts> => resolveAccounts({ executionMode: 'login', loginUser });
  const terminal = { terminal: true };

  it.each(canMake ? ['nobody', made] : ['nobody'])('has the uid, gid and groups of %s, on pipes and on a terminal', async (user) => {
    const accounts = await accountsOf(user);
    const [uid, gid, groups] = idOf(user);
    const piped = (await runOnPipes(await planOf({ argv: idScript, cwd: '/' }, { accounts }))).output.trim().split('\n');
    expect([piped[0], piped[1], sorted(piped[2])]).toEqual([uid, gid, sorted(groups)]);
    if (user === made) expect(sorted(groups)).toHaveLength(3);
    expect(await canMakeTerminals()).toBe(true);
    const plan = await planOf({ argv: idScript, cwd: '/', terminal: true }, { accounts, policy: terminal });
    const typed = (await runOnTerminal(plan)).output.trim().split('\r\n');
    expect([typed[0], typed[1], sorted(typed[2])]).toEqual([uid, gid, sorted(groups)]);
  });

  it('has no capability, and owns the terminal that it is on', async () => {
    const script = 'grep -h "^Cap[IPEA]" /proc/self/status; echo hello >"$(tty)"; stat -c %U "$(tty)"';
    const plan = await planOf(
      { argv: ['sh', '-c', script], cwd: '/', terminal: true },
      { accounts: await accountsOf('nobody'), policy: terminal },
    );
    const { output } = await runOnTerminal(plan);
    expect(output.match(/^Cap\w+:\s+(\d+)/gm)?.map((line) => line.replace(/\s+/, ' '))).toEqual(
      ['Inh', 'Prm', 'Eff', 'Amb'].map((set) => `Cap${set}: 0000000000000000`),
    );
    expect(output).toContain('hello\r\nnobody\r\n');
  });

  it('keeps the argv of the client in its plan, and takes arguments as they are', async () => {
    const argv = ['printf', '%s|', '-x', '--', 'A=B', '', '$HOME', '--reuid=0'];
    const plan = await planOf({ argv, cwd: '/' }, { accounts: await accountsOf('nobody') });
    expect(plan).toMatchObject({ argv, account: { user: 'nobody', login: true } });
    expect((await runOnPipes(plan)).output).toBe('-x|--|A=B||$HOME|--reuid=0|');
  });

  it('starts with the environment of the account and harmless variables of the client', async () => {
    const accounts = await accountsOf('nobody');
    const plan = await planOf({ argv: ['env'], cwd: '/', env: { LC_ALL: 'C', COLUMNS: '99' } }, { accounts });
    const lines = (await runOnPipes(plan)).output.split('\n');
    expect(lines).toEqual(expect.arrayContaining(['USER=nobody', 'LOGNAME=nobody', 'LC_ALL=C', 'COLUMNS=99']));
    expect(lines).not.toContain(`HOME=${own.home}`);
    await expect(planOf({ argv: ['env'], cwd: '/', env: { FOO: 'bar' } }, { accounts })).rejects.toMatchObject({
      details: { rule: 'env' },
    });
    const listed = await planOf({ argv: ['env'], cwd: '/', env: { FOO: 'bar' } }, { accounts, policy: { env: ['FOO'] } });
    expect((await runOnPipes(listed)).output).toContain('FOO=bar\n');
  });

  it('never takes a variable that would act on the way to the account, whatever the policy lists', async () => {
    const accounts = await accountsOf('nobody');
    for (const name of ['LD_PRELOAD', 'LD_LIBRARY_PATH', 'GLIBC_TUNABLES', 'GCONV_PATH', 'LANGUAGE', 'LDAPCONF', 'OPENSSL_CONF']) {
      await expect(
        planOf({ argv: ['true'], cwd: '/', env: { [name]: '/tmp/x' } }, { accounts, policy: { env: [name, '*'] } }),
      ).rejects.toMatchObject({
        code: 'ERR_RSTREAM_COMMAND_DENIED',
      });
    }
  });

  it('starts only where the account can enter, told as one and the same for what is missing and what is closed', async () => {
    const accounts = await accountsOf('nobody');
    const closed = join(scratch, 'closed');
    mkdirSync(join(closed, 'inner'), { recursive: true });
    chmodSync(closed, 0o700);
    const open = join(scratch, 'open');
    mkdirSync(open);
    chmodSync(open, 0o711);
    for (const cwd of [closed, join(closed, 'inner'), join(closed, 'missing'), join(scratch, 'missing'), '/etc/passwd']) {
      await expect(planOf({ argv: ['pwd'], cwd }, { accounts })).rejects.toMatchObject({
        code: 'ERR_RSTREAM_COMMAND_WORKDIR',
        message: `${cwd}: not a directory that the account of the command can enter.`,
      });
    }
    expect((await runOnPipes(await planOf({ argv: ['pwd'], cwd: open }, { accounts }))).output).toBe(`${open}\n`);
  });

  it('does not get into a directory that was put in the place of the one that was checked', async () => {
    const swapped = join(scratch, 'swapped');
    const secret = join(scratch, 'secret');
    mkdirSync(swapped);
    mkdirSync(join(secret, 'inner'), { recursive: true });
    chmodSync(secret, 0o700);
    const plan = await planOf({ argv: ['pwd'], cwd: swapped }, { accounts: await accountsOf('nobody') });
    rmSync(swapped, { recursive: true });
    symlinkSync(join(secret, 'inner'), swapped);
    expect(await runOnPipes(plan)).toMatchObject({ code: 125, output: expect.not.stringContaining('secret') as string });
  });

  it('finds programs with the rights of the account, and tells nothing about others', async () => {
    const accounts = await accountsOf('nobody');
    const tool = (name: string, mode: number): string => {
      const path = join(scratch, name);
      writeFileSync(path, '#!/bin/sh\necho ran\n');
      chmodSync(path, mode);
      return path;
    };
    const hidden = join(scratch, 'hidden');
    mkdirSync(hidden);
    writeFileSync(join(hidden, 'tool'), '#!/bin/sh\n');
    chmodSync(join(hidden, 'tool'), 0o755);
    chmodSync(hidden, 0o700);
    const plan = (program: string) => planOf({ argv: [program], cwd: '/' }, { accounts });
    expect((await runOnPipes(await plan(tool('everyone', 0o755)))).output).toBe('ran\n');
    await expect(plan(tool('root-only', 0o700))).rejects.toMatchObject({ code: 'ERR_RSTREAM_COMMAND_NOT_EXECUTABLE' });
    await expect(plan(join(hidden, 'tool'))).rejects.toMatchObject({ code: 'ERR_RSTREAM_COMMAND_NOT_FOUND' });
    await expect(plan(join(hidden, 'missing'))).rejects.toMatchObject({ code: 'ERR_RSTREAM_COMMAND_NOT_FOUND' });
  });

  it('goes by the name in the search path that the account can run', async () => {
    const [first, second] = [join(scratch, 'first'), join(scratch, 'second')];
    for (const [directory, mode] of [
      [first, 0o700],
      [second, 0o755],
    ] as const) {
      mkdirSync(directory);
      writeFileSync(join(directory, 'both'), '#!/bin/sh\necho "$0"\n');
      chmodSync(join(directory, 'both'), 0o755);
      chmodSync(directory, mode);
    }
    const environment = { PATH: `${first}:${second}:/usr/bin:/bin` };
    const plan = await planOf({ argv: ['both'], cwd: '/' }, { accounts: await accountsOf('nobody'), environment });
    expect(plan.file).toBe(join(second, 'both'));
  });

  it('does not start a program whose path would be read as a variable', async () => {
    const path = join(scratch, 'a=b');
    writeFileSync(path, '#!/bin/sh\n');
    chmodSync(path, 0o755);
    const plan = await planOf({ argv: [path], cwd: '/' }, { accounts: await accountsOf('nobody') });
    expect(() => launchOf(plan)).toThrow(expect.objectContaining({ code: 'ERR_RSTREAM_COMMAND_NOT_EXECUTABLE' }) as Error);
  });

  it('is chosen by the client within the list', async () => {
    const accounts = await resolveAccounts({ executionMode: 'login', allowClientUser: true });
    const plan = await planOf({ argv: ['id', '-un'], cwd: '/', user: 'nobody' }, { accounts, policy: { users: ['nob*'] } });
    expect((await runOnPipes(plan)).output).toBe('nobody\n');
    const root = { argv: ['id'], cwd: '/', user: 'root' };
    await expect(planOf(root, { accounts, policy: { users: ['*'] } })).rejects.toMatchObject({ details: { rule: 'users' } });
  });

  it('has the argv of the client, the account and the rule in its audit record', async () => {
    const accounts = await accountsOf('nobody');
    const policy = { allow: [['true'], ['id', '-un']] };
    const { client, record } = await run(['id', '-un'], { workdir: { value: '/' } }, { accounts, policy });
    expect(client.text()).toBe('nobody\n');
    expect(await record).toMatchObject({ command: '"id" "-un"', account: 'nobody', decision: 'run', rule: 'allow[1]', exit_code: 0 });
    const refused = await run(['id', '-u'], { workdir: { value: '/' } }, { accounts, policy });
    expect(await refused.record).toMatchObject({ command: '"id" "-u"', decision: 'refused', rule: 'allow' });
  });

  it('is ended with its children by a signal to its group', async () => {
    const { startProcess } = await import('../src/process.ts');
    const plan = await planOf({ argv: ['sh', '-c', 'echo up; sleep 300 & wait'], cwd: '/' }, { accounts: await accountsOf('nobody') });
    const running = await startProcess(plan);
    await new Promise((resolve) => running.stdout.once('data', resolve));
    const closed = new Promise((resolve) => running.stdout.resume().once('close', resolve));
    running.signal('SIGKILL');
    expect(await running.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await closed;
  });
});
