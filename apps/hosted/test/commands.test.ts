import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeToken, mintAppToken } from '@rstream/auth-tokens';
import { createProgram, describeError, failureOf } from '../src/commands/program.ts';
import { startWorld, temporaryDirectory, type World } from './world.ts';

const bin = join(import.meta.dirname, '../src/bin.ts');

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command in a process of its own: what an administrator runs beside the server. */
const runProcess = (...words: string[]): Promise<Run> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=@rstream/source', bin, ...words], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });

/** The same command inside this process, which saves the start of Node. */
async function run(...words: string[]): Promise<Run> {
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    stdout += String(chunk);
    return true;
  });
  try {
    await createProgram().parseAsync(words, { from: 'user' });
    return { code: 0, stdout, stderr: '' };
  } catch (error) {
    const failure = failureOf(error);
    return failure === undefined ? { code: 0, stdout, stderr: '' } : { code: 1, stdout, stderr: describeError(failure, words) };
  } finally {
    write.mockRestore();
  }
}

let directory: string;
let world: World;
beforeAll(async () => {
  directory = temporaryDirectory();
  world = await startWorld({ dataDir: join(directory, 'data') });
});
afterAll(async () => {
  await world.dispose();
  rmSync(directory, { recursive: true });
});

const createWords = (...more: string[]): string[] => [
  'token',
  'create',
  '--data-dir',
  world.hosted.directory.path,
  '--project',
  world.hosted.foundation.project.endpoint,
  ...more,
];
const create = (...more: string[]): Promise<Run> => run(...createWords(...more));
const inventory = ['--permission', 'tunnels.resources.read-only'];
const out = (name: string): string => join(directory, name);

/** A session carrier as a device opens it; resolves once the server switched protocols. */
async function openCarrier(token: string): Promise<Socket> {
  const socket = connect(world.hosted.port, '127.0.0.1');
  socket.on('error', () => undefined);
  const head = [
    `GET /api/session HTTP/1.1`,
    `Host: ${world.engineHost}`,
    'Connection: Upgrade',
    'Upgrade: rstream-mux/1',
    `Authorization: Bearer ${token}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
  expect(answer).toMatch(/^HTTP\/1\.1 101 /);
  return socket;
}

describe('token create', () => {
  it('writes a token for its owner only, prints none of it, and the running server takes it', async () => {
    const result = await create(...inventory, '--name', 'reader', '--ttl', '1h', '--out', out('reader.token'), '-o', 'json');
    expect(result).toMatchObject({ code: 0 });
    const token = readFileSync(out('reader.token'), 'utf8').trim();
    expect(statSync(out('reader.token')).mode & 0o777).toBe(0o600);
    expect(result.stdout + result.stderr).not.toContain(token);
    expect(JSON.parse(result.stdout)).toMatchObject({ family: 'pat', name: 'reader', state: 'active', out: out('reader.token') });
    expect(decodeToken(token)).toMatchObject({ token_endpoint: world.hosted.foundation.project.endpoint });
    expect((await world.call('/api/tunnels', { host: world.engineHost, token })).status).toBe(200);
    expect((await world.call('/api/projects/tunnels', { token })).json).toMatchObject({ total: 0 });
  });

  it('keeps a file that is there unless forced', async () => {
    writeFileSync(out('kept'), 'mine');
    const refused = await create(...inventory, '--name', 'x', '--out', out('kept'));
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_RSTREAM_HOSTED_FILE_EXISTS') });
    expect(readFileSync(out('kept'), 'utf8')).toBe('mine');
    expect(await create(...inventory, '--name', 'x', '--out', out('kept'), '--force')).toMatchObject({ code: 0 });
    expect(readFileSync(out('kept'), 'utf8')).toMatch(/^eyJ/);
  });

  it('prints the token alone with --out -', async () => {
    expect((await create(...inventory, '--name', 'printed', '--out', '-')).stdout).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });

  it('makes client credentials with which an application mints its own tokens', async () => {
    const result = await create('--family', 'app', ...inventory, '--name', 'ci', '--out', out('ci.json'));
    expect(result).toMatchObject({ code: 0 });
    const token = await mintAppToken(JSON.parse(readFileSync(out('ci.json'), 'utf8')));
    expect((await world.call('/api/tunnels', { host: world.engineHost, token })).status).toBe(200);
  });

  it('limits the token to the resources of a file', async () => {
    writeFileSync(out('scopes.json'), JSON.stringify({ tunnels: { scopes: { tunnels: { create: { filters: { name: 'web' } } } } } }));
    const words = [...inventory, '--resources-file', out('scopes.json'), '--name', 'scoped', '--out', out('scoped.token')];
    expect(await create(...words)).toMatchObject({ code: 0 });
    const token = readFileSync(out('scoped.token'), 'utf8').trim();
    expect((await world.call('/api/tunnels', { host: world.engineHost, token })).status).toBe(403);
  });

  it.each([
    ['an unknown permission', ['--permission', 'everything', '--name', 'x'], 'everything'],
    ['a bad life', [...inventory, '--ttl', 'soon', '--name', 'x'], 'soon'],
  ])('refuses %s and writes nothing', async (_, words, word) => {
    const result = await create(...words, '--out', out('never'));
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(word);
    expect(existsSync(out('never'))).toBe(false);
  });
});

describe('a command', () => {
  it('that lacks an option says which and fails', async () => {
    const result = await runProcess(...createWords('--name', 'x', '--out', out('never')));
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--permission') });
  });

  it('that is refused prints a sentence, a code and a next step', async () => {
    const result = await runProcess('project', 'list', '--data-dir', out('none'));
    expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('[ERR_RSTREAM_HOSTED_DATA]\n  next: Start') });
  });
});

describe('token revoke', () => {
  it('ends a live session within two seconds and refuses the token from then on', async () => {
    const words = ['--permission', 'tunnels.tunnels.create-delete', '--name', 'device', '--out', out('device.token'), '-o', 'json'];
    const { id } = JSON.parse((await create(...words)).stdout) as { id: string };
    const token = readFileSync(out('device.token'), 'utf8').trim();
    const carrier = await openCarrier(token);
    const closed = new Promise<number>((resolve) => carrier.once('close', () => resolve(performance.now())));
    const revoked = await runProcess('token', 'revoke', id, '--data-dir', world.hosted.directory.path, '-o', 'json');
    const revokedAt = performance.now();
    expect(JSON.parse(revoked.stdout)).toMatchObject({ id, state: 'revoked' });
    expect((await closed) - revokedAt).toBeLessThan(2_000);
    expect((await world.call('/api/auth', { host: world.engineHost, token })).status).toBe(401);
  });

  it('says when there is no such credential', async () => {
    const result = await run('token', 'revoke', 'pat_none', '--data-dir', world.hosted.directory.path);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_RSTREAM_HOSTED_NOT_FOUND') });
  });
});

describe('token list and project', () => {
  it('print everything that may be known, and no secret', async () => {
    const { stdout } = await run('token', 'list', '--data-dir', world.hosted.directory.path, '-o', 'json');
    const { tokens } = JSON.parse(stdout) as { tokens: { name: string }[] };
    expect(tokens.map(({ name }) => name)).toContain('owner');
    expect(stdout).not.toMatch(/eyJ|sha256|publicKey/);
  });

  it('create a project that the running server serves soon after', async () => {
    const created = await run('project', 'create', '--name', 'second', '--data-dir', world.hosted.directory.path, '-o', 'json');
    const { endpoint } = JSON.parse(created.stdout) as { endpoint: string };
    await vi.waitFor(
      async () => {
        const answer = await world.call('/api/auth', { host: `${endpoint}.rstream.localhost`, token: world.ownerToken });
        expect(answer.status).toBe(200);
      },
      { timeout: 3_000, interval: 50 },
    );
    const first = await create(...inventory, '--name', 'bound', '--out', '-');
    const answer = await world.call('/api/auth', { host: `${endpoint}.rstream.localhost`, token: first.stdout.trim() });
    expect(answer.status).toBe(403);
    const listed = await run('project', 'list', '--data-dir', world.hosted.directory.path);
    expect(listed.stdout).toContain('second');
  });

  it('refuse a directory that no server was started on', async () => {
    const result = await run('project', 'list', '--data-dir', join(directory, 'none'));
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_RSTREAM_HOSTED_DATA') });
    expect(existsSync(join(directory, 'none'))).toBe(false);
  });
});

describe('serve --check', () => {
  it('prints the settings in effect and starts nothing', async () => {
    const result = await run('serve', '--check', '--listen', '127.0.0.1:0', '--data-dir', join(directory, 'unused'));
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toContain('listen: 127.0.0.1:0');
    expect(existsSync(join(directory, 'unused'))).toBe(false);
  });

  it('refuses clear text past this machine and says why', async () => {
    const result = await run('serve', '--check', '--listen', '0.0.0.0:0');
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_RSTREAM_HOSTED_EXPOSED') });
    expect(result.stderr).toContain('--trusted-proxy');
  });
});

describe('a command line that makes no sense', () => {
  it.each([[['serve', '--nonsense']], [['token', 'revoke', '--data-dir', '.']], [['nonsense']], [['token', 'create', '--data-dir', '.']]])(
    'ends with 2, a code and a next step: %j',
    async (words) => {
      const { code, stderr } = await runProcess(...words);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^rstream-hosted: .+ \[ERR_RSTREAM_USAGE\]\n {2}next: .+\n$/);
    },
  );

  it('is one JSON object with -o json', async () => {
    const { stderr } = await run('token', 'list', '-o', 'json');
    expect(JSON.parse(stderr)).toMatchObject({ code: 'ERR_RSTREAM_USAGE', next: expect.any(String) as string });
  });
});
