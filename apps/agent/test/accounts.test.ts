import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startAgent } from '../src/agent.ts';
import { createLogger } from '../src/log.ts';
import { main } from '../src/program.ts';

const scratch = mkdtempSync(join(tmpdir(), 'rstream-agent-'));
const tokenFile = join(scratch, 'token');
writeFileSync(tokenFile, 'good\n');
chmodSync(tokenFile, 0o600);
afterEach(() => vi.restoreAllMocks());

describe('an agent whose commands cannot run as asked', () => {
  /* Nothing listens on this port: an agent that got as far as to connect would neither fail nor end. */
  const settings = { engine: '127.0.0.1:1', tokenFile, name: 'dev', labels: {}, policy: undefined, logger: createLogger('silent') };

  it('does not start', async () => {
    const refusal = { code: 'ERR_RSTREAM_LOGIN_USER' };
    await expect(startAgent({ ...settings, executionMode: 'login', loginUser: 'no-such-account' })).rejects.toMatchObject(refusal);
    await expect(startAgent({ ...settings, executionMode: 'login' })).rejects.toMatchObject(refusal);
    await expect(startAgent({ ...settings, loginUser: 'root' })).rejects.toMatchObject(refusal);
  });

  it.each([
    [
      ['--execution-mode', 'login', '--login-user', 'no-such-account'],
      'There is no account "no-such-account" on this device. [ERR_RSTREAM_LOGIN_USER]',
    ],
    [['--execution-mode', 'login', '--allow-client-user'], 'policy.users: is required'],
    [['--execution-mode', 'sudo'], "'sudo' is invalid"],
  ])('ends with the code of a wrong command line: %j', async (flags, message) => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const given = ['--engine', settings.engine, '--token-file', tokenFile, '--name', 'dev', '--log-level', 'silent'];
    expect(await main(['run', ...given, ...flags])).toBe(2);
    expect(stderr.mock.calls.join('')).toContain(message);
  });
});
