import { chmodSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { matchesArgv, matchesGlob } from '../src/glob.ts';
import { allowsUser, deniedBy, type CommandPolicy } from '../src/policy.ts';
import { RstreamError } from '@rstream/protocol';
import { planOf, runOnPipes, type Request } from './plan-world.ts';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'rstream-policy-')));

function script(path: string, text = 'echo ran'): string {
  const file = join(scratch, path);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** What decided: the decision of the plan, or `!rule` of the denial. */
async function decided(policy: CommandPolicy, request: Request, path?: string): Promise<string> {
  try {
    const plan = await planOf(request, { policy, ...(path === undefined ? {} : { environment: { PATH: path } }) });
    return plan.decision;
  } catch (error) {
    if (!RstreamError.is(error)) throw error;
    return `!${deniedBy(error) ?? error.code}`;
  }
}

describe('a pattern', () => {
  it.each<[string[], string[], boolean]>([
    [['git', '**'], ['git'], true],
    [['git', '**'], ['git', '', 'a b'], true],
    [['git', '**'], ['gitk'], false],
    [['**'], ['anything', 'at', 'all'], true],
    [['git', '*'], ['git'], false],
    [['git', '*'], ['git', ''], true],
    [['git', '?'], ['git', ''], false],
    [['git', ''], ['git', ''], true],
    [['git', ''], ['git'], false],
    [['git'], ['git', ''], false],
    [['git', '**', 'x'], ['git', 'anything', 'x'], true],
    [['git', '**', 'x'], ['git', 'a', 'b', 'x'], false],
    [['git', 'log*'], ['git', 'log\n--exec'], true],
    [[], [], true],
    [[], ['git'], false],
  ])('%j and the command %j: %s', (pattern, argv, matches) => {
    expect(matchesArgv(pattern, argv)).toBe(matches);
  });

  it.each<[string, string, boolean]>([
    ['ls \\*.log', 'ls *.log', true],
    ['ls \\*.log', 'ls a.log', false],
    ['really\\?', 'really?', true],
    ['really\\?', 'reallyx', false],
    ['a\\\\*', 'a\\anything', true],
    ['a\\\\*', 'aanything', false],
    ['C:\\dir\\f', 'C:\\dir\\f', true],
    ['\\', '\\', true],
    ['[a-z]+', '[a-z]+', true],
    ['[a-z]+', 'a', false],
    ['.', 'x', false],
  ])('%j means %j literally: %s', (glob, text, matches) => {
    expect(matchesGlob(glob, text)).toBe(matches);
  });

  it('of many stars is matched in the time of a few', () => {
    const start = performance.now();
    expect(matchesGlob(`${'*a'.repeat(50)}b`, 'a'.repeat(20_000))).toBe(false);
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe('an allow list', () => {
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  script('bin/tool');
  script('bin/other');
  script('tool');
  symlinkSync(join(bin, 'other'), join(scratch, 'link'));
  const path = `${bin}:/usr/bin:/bin`;

  it('tells which entry decided, and that there is none', async () => {
    expect(await decided({ allow: [['true'], ['tool', '**']] }, { argv: ['tool', 'x'] }, path)).toBe('allow[1]');
    expect(await decided({ deny: [['false']] }, { argv: ['true'] })).toBe('default');
    expect(await decided({ allow: [] }, { argv: ['true'] })).toBe('!allow');
    expect(await decided({ allow: [['true']], deny: [['false'], ['true']] }, { argv: ['true'] })).toBe('!deny[1]');
  });

  it.each<[string, string[][], string[], string]>([
    ['a bare name is found in the own path', [['tool']], ['tool'], 'allow[0]'],
    ['a name does not stand for a file of that name elsewhere', [['tool']], [join(scratch, 'tool')], '!allow'],
    ['nor for one below the working directory', [['tool']], ['./tool'], '!allow'],
    ['the path of the program that a name means is as good', [[join(bin, 'tool')]], ['tool'], 'allow[0]'],
    ['a path is compared without its detours', [[join(bin, 'tool')]], [`${bin}/../bin//./tool`], 'allow[0]'],
    ['a star does not reach out of its directory', [[`${bin}/*`]], [`${bin}/../tool`], '!allow'],
    ['nor by one that is relative', [['./*']], ['./bin/../../../../../bin/sh'], '!allow'],
    ['nor upwards', [['..*', '**']], ['../../../../../../bin/sh'], '!allow'],
    ['a relative path counts when it is listed as it is', [['./tool']], ['./tool'], 'allow[0]'],
    ['a relative star stays below the working directory', [['./*']], ['./tool'], 'allow[0]'],
    ['a link is its own name, not that of its target', [[join(bin, 'other')]], [join(scratch, 'link')], '!allow'],
    ['a link counts when it is listed', [[join(scratch, 'link')]], ['./link'], 'allow[0]'],
    ['an argument more is another command', [['tool', 'a']], ['tool', 'a', ''], '!allow'],
    ['an empty argument is an argument', [['tool', 'a', '']], ['tool', 'a'], '!allow'],
    ['an option in place of an argument is a star`s', [['tool', '*']], ['tool', '--exec=sh'], 'allow[0]'],
    ['case counts', [['Tool']], ['tool'], '!allow'],
  ])('%s', async (_name, allow, argv, decision) => {
    expect(await decided({ allow }, { argv, cwd: scratch }, path)).toBe(decision);
  });

  it('does not trust a bare name that the search path of the client found', async () => {
    const policy = { allow: [['tool']], env: ['PATH'] };
    expect(await decided(policy, { argv: ['tool'], env: { PATH: scratch } }, path)).toBe('!allow');
    expect(await decided({ ...policy, allow: [[join(scratch, 'tool')]] }, { argv: ['tool'], env: { PATH: scratch } }, path)).toBe(
      'allow[0]',
    );
  });

  it('never finds a bare name in the directory that the client chose', async () => {
    for (const relative of ['', '.', ':', 'bin::.']) {
      const request = { argv: ['tool'], cwd: scratch };
      expect(await decided({ allow: [['tool']] }, request, relative)).toBe('!ERR_RSTREAM_COMMAND_NOT_FOUND');
    }
  });

  it('bounds a shell by its exact text', async () => {
    const allow = [['sh', '-c', 'ls \\*.log | wc -l']];
    expect(await decided({ allow }, { argv: ['sh', '-c', 'ls *.log | wc -l'] })).toBe('allow[0]');
    for (const text of ['ls *.log | wc -l; id', 'ls x.log | wc -l', 'id', '', ' ls *.log | wc -l']) {
      expect(await decided({ allow }, { argv: ['sh', '-c', text] })).toBe('!allow');
    }
    for (const argv of [
      ['sh'],
      ['sh', '-c', 'ls *.log | wc -l', 'x'],
      ['sh', '-ic', 'ls *.log | wc -l'],
      ['bash', '-c', 'ls *.log | wc -l'],
    ]) {
      expect(await decided({ allow }, { argv })).toBe('!allow');
    }
    // What the documentation warns of: a star in the text of a shell is any text.
    expect(await decided({ allow: [['sh', '-c', 'git *']] }, { argv: ['sh', '-c', 'git x; id'] })).toBe('allow[0]');
  });
});

describe('a deny list', () => {
  symlinkSync('/bin/sh', join(scratch, 'innocent'));

  it.each([
    ['its name', ['sh', '-c', 'id']],
    ['its path', ['/bin/sh', '-c', 'id']],
    ['a path with detours', ['/usr/../bin//sh', '-c', 'id']],
    ['a link to it', [join(scratch, 'innocent'), '-c', 'id']],
  ])('finds a program by %s', async (_name, argv) => {
    const real = realpathSync('/bin/sh');
    const deny = [
      ['sh', '**'],
      [real, '**'],
    ];
    expect(await decided({ deny, allow: [['**']] }, { argv })).toMatch(/^!deny\[[01]\]$/);
  });
});

describe('a working directory', () => {
  const root = join(scratch, 'root');
  for (const directory of ['root/in', 'root/..in', 'root-beside']) mkdirSync(join(scratch, directory), { recursive: true });
  symlinkSync('/', join(root, 'out'));
  symlinkSync(join(root, 'in'), join(scratch, 'into'));

  it.each([
    [root, 'default'],
    [join(root, 'in'), 'default'],
    [join(root, '..in'), 'default'],
    [join(scratch, 'into'), 'default'],
    [join(root, 'out'), '!cwdRoots'],
    [join(root, 'out/etc'), '!cwdRoots'],
    [join(scratch, 'root-beside'), '!cwdRoots'],
    [`${root}/../root-beside`, '!cwdRoots'],
    [scratch, '!cwdRoots'],
    ['/', '!cwdRoots'],
    [join(root, 'missing'), '!ERR_RSTREAM_COMMAND_WORKDIR'],
  ])('%s: %s', async (cwd, decision) => {
    expect(await decided({ cwdRoots: [root] }, { argv: ['true'], cwd })).toBe(decision);
  });

  it('is nowhere when no root is listed, and a root that is not there opens nothing', async () => {
    expect(await decided({ cwdRoots: [] }, { argv: ['true'], cwd: root })).toBe('!cwdRoots');
    expect(await decided({ cwdRoots: [join(scratch, 'none')] }, { argv: ['true'], cwd: root })).toBe('!cwdRoots');
  });
});

describe('variables of a client', () => {
  const names = (...lines: string[]): string[] => lines.flatMap((line) => line.split(' '));
  const dangerous = names(
    'PATH LD_PRELOAD ld_preload LD_AUDIT DYLD_INSERT_LIBRARIES GLIBC_TUNABLES MALLOC_TRACE MALLOC_CONF LOCPATH',
    'NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED npm_config_script_shell PYTHONSTARTUP',
    'PERL5OPT RUBYOPT JAVA_TOOL_OPTIONS LUA_INIT RUSTC_WRAPPER MAKEFLAGS GOFLAGS TAR_OPTIONS RSYNC_RSH',
    'SSLKEYLOGFILE SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF CURL_CA_BUNDLE GIT_SSL_NO_VERIFY GIT_SSH_COMMAND HOME',
    'SHELL USER XDG_CONFIG_HOME ZDOTDIR INPUTRC BASH_ENV BASH_FUNC_ls%% ENV IFS PS1 HISTFILE LESS LESSOPEN VIMINIT',
    'TERMINFO KUBECONFIG DBUS_SESSION_BUS_ADDRESS SSH_AUTH_SOCK KRB5CCNAME',
  );
  const programs = ['EDITOR', 'VISUAL', 'PAGER', 'GIT_PAGER', 'GIT_EDITOR', 'GIT_SEQUENCE_EDITOR', 'MANPAGER', 'SYSTEMD_PAGER', 'BROWSER'];
  const ordinary = ['FOO', 'NODE_ENV', 'CI', 'DATABASE_URL', 'HOMEPAGE', 'APP_PATH', 'http_proxy'];
  const harmless = ['LANG', 'LC_ALL', 'TZ', 'TERM', 'NO_COLOR', 'COLUMNS'];
  const set = (policy: CommandPolicy, name: string) => decided(policy, { argv: ['true'], env: { [name]: '/usr/bin:/bin' } });
  const allow = [['true']];

  it.each(dangerous)('%s is taken only when the policy lists it by its exact name', async (name) => {
    for (const policy of [{}, { env: ['*'] }, { env: [`${name.slice(0, -1)}?`] }, { allow }, { allow, env: ['*'] }]) {
      expect(await set(policy, name), JSON.stringify(policy)).toBe('!env');
    }
    expect(await set({ env: [name] }, name)).toBe('default');
  });

  it.each(programs)('%s is free unless commands are listed', async (name) => {
    expect(await set({}, name)).toBe('default');
    expect(await set({ env: ['*'] }, name)).toBe('default');
    expect(await set({ allow }, name)).toBe('!env');
    expect(await set({ allow, env: ['*'] }, name)).toBe('!env');
    expect(await set({ allow, env: [name] }, name)).toBe('allow[0]');
  });

  it.each(ordinary)('%s is free unless commands or other variables are listed', async (name) => {
    expect(await set({}, name)).toBe('default');
    expect(await set({ allow }, name)).toBe('!env');
    expect(await set({ env: ['OTHER'] }, name)).toBe('!env');
    expect(await set({ allow, env: ['*'] }, name)).toBe('allow[0]');
  });

  it.each(harmless)('%s is free unless other variables are listed', async (name) => {
    expect(await set({ allow }, name)).toBe('allow[0]');
    expect(await set({ env: ['OTHER'] }, name)).toBe('!env');
  });
});

describe('accounts that clients may name', () => {
  it.each<[string[] | undefined, string, number, boolean]>([
    [undefined, 'app', 1000, false],
    [[], 'app', 1000, false],
    [['app'], 'app', 1000, true],
    [['app-*'], 'app-1', 1000, true],
    [['app-*'], 'apple', 1000, false],
    [['*'], 'app', 1000, true],
    [['*'], 'root', 0, false],
    [['*'], 'toor', 0, false],
    [['root'], 'toor', 0, false],
    [['*', 'root'], 'root', 0, true],
    [['r\\oot'], 'root', 0, false],
  ])('%j lists %s (uid %i): %s', (users, user, uid, allowed) => {
    expect(allowsUser({ users }, { user, uid })).toBe(allowed);
  });
});

describe('a plan', () => {
  it('carries the times of the policy', async () => {
    const plan = await planOf({ argv: ['true'] }, { policy: { maxIdleMs: 5_000, maxDurationMs: 9_000 } });
    expect(plan).toMatchObject({ idleMs: 5_000, deadlineMs: 9_000 });
    expect(await planOf({ argv: ['true'] })).toMatchObject({ idleMs: undefined, deadlineMs: undefined });
  });

  it('is read-only for a terminal of a device with read-only terminals, and for nothing else', async () => {
    const policy = { terminal: true, readOnlyTerminal: true };
    expect(await planOf({ argv: ['true'], terminal: true }, { policy })).toMatchObject({ readOnly: true });
    expect(await planOf({ argv: ['true'] }, { policy })).toMatchObject({ readOnly: false });
    expect(await planOf({ argv: ['true'], terminal: true }, { policy: { terminal: true } })).toMatchObject({ readOnly: false });
  });

  it.runIf(process.platform === 'linux')('starts the program under the name that the client gave it', async () => {
    const plan = await planOf({ argv: ['sh', '-c', 'cat /proc/$$/cmdline'] });
    expect((await runOnPipes(plan)).output).toMatch(/^sh\0-c\0/);
  });
});
