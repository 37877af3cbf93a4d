import { Confirmations } from '@rstream/mcp-tools/server';
import { describe, expect, it } from 'vitest';
import { fakePorts } from './fake-ports.ts';
import { eras, openWorld } from './world.ts';

const publicCall = { port: 3000, token_auth: false };

function fingerprintIn(text: string): string {
  return (JSON.parse(/^details: (.*)$/m.exec(text)?.[1] ?? '{}') as { confirmation: string }).confirmation;
}

describe.each(eras)('consent by a second call (%s era, no elicitation)', (era) => {
  it('returns a plan and a fingerprint, and only the call that carries it proceeds', async () => {
    const ports = fakePorts();
    await using world = await openWorld({ era, ports });
    const refused = await world.call('rstream_local_tunnel_expose', publicCall);
    expect(refused.isError).toBe(true);
    expect(refused.text).toContain('error ERR_RSTREAM_CONFIRMATION_REQUIRED: confirmation_required: Publish localhost:3000');
    expect(ports.exposed).toEqual([]);
    const confirmation = fingerprintIn(refused.text);
    const done = await world.call('rstream_local_tunnel_expose', { token_auth: 'false', port: '3000', confirmation });
    expect(done.data).toMatchObject({ token_auth: false });
    expect(ports.exposed).toHaveLength(1);
  });

  it('binds the fingerprint to the exact arguments, and lets it be used once', async () => {
    const ports = fakePorts();
    await using world = await openWorld({ era, ports });
    const confirmation = fingerprintIn((await world.call('rstream_local_tunnel_expose', publicCall)).text);
    const other = await world.call('rstream_local_tunnel_expose', { ...publicCall, port: 3001, confirmation });
    expect(other.text).toContain('error ERR_RSTREAM_CONFIRMATION_INVALID');
    expect((await world.call('rstream_local_tunnel_expose', { ...publicCall, confirmation })).isError).toBe(false);
    const again = await world.call('rstream_local_tunnel_expose', { ...publicCall, confirmation });
    expect(again.text).toContain('error ERR_RSTREAM_CONFIRMATION_INVALID');
    expect(ports.exposed).toHaveLength(1);
  });
});

describe.each(eras)('consent by elicitation (%s era)', (era) => {
  it('asks the user once and proceeds on a yes', async () => {
    const ports = fakePorts();
    const asked: string[] = [];
    const answer = (message: string) => {
      asked.push(message);
      return { action: 'accept' as const, content: { confirm: true } };
    };
    await using world = await openWorld({ era, ports, answer });
    const { isError, data } = await world.call('rstream_local_tunnel_expose', publicCall);
    expect(isError).toBe(false);
    expect(data).toMatchObject({ token_auth: false });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('without any authentication');
  });

  it.each([{ action: 'decline' as const }, { action: 'cancel' as const }, { action: 'accept' as const, content: { confirm: false } }])(
    'does nothing on %j',
    async (reply) => {
      const ports = fakePorts();
      await using world = await openWorld({ era, ports, answer: () => reply });
      const { isError, text } = await world.call('rstream_local_tunnel_expose', publicCall);
      expect(isError).toBe(true);
      expect(text).toContain('error ERR_RSTREAM_CONFIRMATION_DECLINED');
      expect(ports.exposed).toEqual([]);
    },
  );

  it('asks for commands only when the operator wants it', async () => {
    const asked: string[] = [];
    const answer = (message: string) => {
      asked.push(message);
      return { action: 'accept' as const, content: { confirm: true } };
    };
    const exec = { url: 'rstrm://alpha', command: ['true'] };
    await using free = await openWorld({ era, answer });
    expect((await free.call('rstream_webtty_exec', exec)).isError).toBe(false);
    expect(asked).toEqual([]);
    await using strict = await openWorld({ era, answer, confirm: new Set(['rstream_webtty_exec']) });
    expect((await strict.call('rstream_webtty_exec', exec)).isError).toBe(false);
    expect(asked).toHaveLength(1);
  });
});

describe('fingerprints', () => {
  const what = { kind: 'call' as const, tool: 't', input: { a: 1, b: [2] } };

  it('ignore the order of keys and nothing else', () => {
    const confirmations = new Confirmations();
    const { fingerprint } = confirmations.issue(what);
    for (const other of [
      { ...what, tool: 'u' },
      { ...what, kind: 'elicitation' as const },
      { ...what, input: { a: 1, b: [2, 3] } },
    ]) {
      expect(() => confirmations.redeem(fingerprint, other)).toThrow('belongs to other arguments');
    }
    confirmations.redeem(fingerprint, { ...what, input: { b: [2], a: 1 } });
    expect(() => confirmations.redeem(fingerprint, what)).toThrow('confirmation');
  });

  it('expire', () => {
    let now = 1_000_000;
    const confirmations = new Confirmations({ ttlSeconds: 10, now: () => now });
    const { fingerprint, expiresAt } = confirmations.issue(what);
    expect(expiresAt.getTime()).toBe(now + 10_000);
    now += 10_000;
    expect(() => confirmations.redeem(fingerprint, what)).toThrow('expired');
  });

  it('are not good for another process and survive no tampering', () => {
    const confirmations = new Confirmations();
    const { fingerprint } = confirmations.issue(what);
    expect(() => new Confirmations().redeem(fingerprint, what)).toThrow('confirmation');
    for (const forged of ['', '.', 'x.y', `${fingerprint}x`, fingerprint.slice(1), fingerprint.replace('.', '..')]) {
      expect(() => confirmations.redeem(forged, what)).toThrow('confirmation');
    }
    confirmations.redeem(fingerprint, what);
  });

  it('are bounded in number: the oldest gives way', () => {
    const confirmations = new Confirmations();
    const first = confirmations.issue(what).fingerprint;
    for (let i = 0; i < 256; i += 1) confirmations.issue(what);
    expect(() => confirmations.redeem(first, what)).toThrow('confirmation');
  });
});
