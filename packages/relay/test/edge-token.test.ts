import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { RawClient, createWorld, type Published, type World } from './world.ts';

const get = (host: string, path = '/', more = ''): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const bearer = (token: string): string => `Authorization: Bearer ${token}\r\n`;
const statusOf = (text: string): string => text.slice(9, 12);

/** A token-protected service that tells everything it was sent. */
async function gated(world: World): Promise<Published> {
  world.authority.add('visitor', { credentialId: 'crd_visitor', expiresAt: Date.now() + 600_000 });
  world.authority.add('reader', {
    credentialId: 'crd_reader',
    allows: (action) => action.type === 'tunnel.connect' && /^\/public(\/|$)/.test(action.path ?? ''),
  });
  return world.publish((request, response) => response.end(JSON.stringify({ url: request.url, ...request.headers })), { token_auth: true });
}

async function ask(world: World, request: string): Promise<string> {
  return new RawClient(world.port).write(request.replace('\r\n', '\r\nConnection: close\r\n')).rest();
}

describe('a token_auth tunnel', () => {
  test('answers 401 with a challenge without a token and with a wrong one, whatever its shape', async () => {
    await using world = await createWorld();
    const { host } = await gated(world);
    for (const more of [
      '',
      bearer('wrong'),
      'Authorization: Bearer\r\n',
      'Authorization: Basic abc\r\n',
      bearer('a b'),
      'Cookie: rstream.token=wrong\r\n',
      'Cookie: rstream.token="x"\r\n',
    ]) {
      const text = await ask(world, get(host, '/', more));
      expect([more, statusOf(text)]).toEqual([more, '401']);
      expect(text).toContain('www-authenticate: Bearer');
    }
  });

  test('lets a bearer token in and keeps it from the service', async () => {
    await using world = await createWorld();
    const { host } = await gated(world);
    const text = await ask(world, get(host, '/a', bearer('visitor')));
    expect(statusOf(text)).toBe('200');
    expect(text).toContain('"url":"/a"');
    expect(text).not.toContain('visitor');
    expect(text).not.toContain('authorization');
  });

  test('lets a program in with the query parameter, which the service does not see, however it is written', async () => {
    await using world = await createWorld();
    const { host } = await gated(world);
    for (const path of ['/a?rstream.token=visitor&b=1', '/a?b=1&rstream.token=visitor', '/a?rstream%2Etoken=%76isitor&b=1']) {
      const text = await ask(world, get(host, path, `Referer: http://${host}/x?rstream.token=visitor&y=1\r\n`));
      expect(text).toContain('"url":"/a?b=1"');
      expect(text).toContain(`"referer":"http://${host}/x?y=1"`);
      expect(text).not.toContain('visitor');
    }
  });

  test('turns the first visit of a browser into a host-only cookie and a clean address', async () => {
    await using world = await createWorld();
    const { host } = await gated(world);
    const text = await ask(world, get(host, '//evil.example/?a=1&rstream.token=visitor', 'Accept: text/html,*/*\r\n'));
    expect(statusOf(text)).toBe('303');
    expect(text).toContain(`location: http://${host}//evil.example/?a=1\r\n`);
    expect(text).toMatch(/set-cookie: rstream.token=visitor; Path=\/; HttpOnly; SameSite=Lax; Max-Age=(599|600)\r\n/);
    expect(text).toContain('referrer-policy: no-referrer');
    expect(text).toContain('cache-control: no-store');
    const back = await ask(world, get(host, '/?a=1', 'Accept: text/html\r\nCookie: a=b; rstream.token=visitor; c=d\r\n'));
    expect(back).toContain('"cookie":"a=b; c=d"');
    expect(back).not.toContain('visitor');
  });

  test('sends Secure cookies when the listener speaks TLS', async () => {
    await using world = await createWorld({ secure: true });
    world.authority.add('visitor', { credentialId: 'crd_visitor' });
    const { tunnel } = await world.publish((_request, response) => response.end(), { token_auth: true });
    const host = String(tunnel.tunnel.hostname);
    expect(tunnel.forwarding).toMatch(/^https:/);
    const text = await ask(world, get(host, '/?rstream.token=visitor', 'Accept: text/html\r\n'));
    expect(text).toMatch(/set-cookie: rstream.token=visitor; Path=\/; HttpOnly; SameSite=Lax; Secure\r\n/);
  });

  test('refuses several proofs with 400', async () => {
    await using world = await createWorld();
    const { host } = await gated(world);
    for (const request of [
      get(host, '/?rstream.token=visitor', bearer('visitor')),
      get(host, '/?rstream.token=visitor&rstream.token=visitor'),
      get(host, '/', bearer('visitor') + bearer('visitor')),
      get(host, '/', 'Cookie: rstream.token=visitor; rstream.token=visitor\r\n'),
      get(host, '/', `${bearer('visitor')}Cookie: rstream.token=visitor\r\n`),
    ]) {
      expect(statusOf(await ask(world, request))).toBe('400');
    }
  });

  test('holds a token to its path in every reading of that path', async () => {
    await using world = await createWorld();
    const { host } = await gated(world);
    expect(statusOf(await ask(world, get(host, '/public/a?x=/..', bearer('reader'))))).toBe('200');
    for (const path of [
      '/admin',
      '/public/../admin',
      '/public/%2e%2e/admin',
      '/public/..%2fadmin',
      '/public/..%5cadmin',
      '/public/..;x/admin',
      '/public/%252e%252e/admin',
      '/publicity',
    ]) {
      expect([path, statusOf(await ask(world, get(host, path, bearer('reader'))))]).toEqual([path, '403']);
    }
  });

  test.each([false, true])('authorises each request of a kept-alive connection (slow authority: %s)', async (isAsync) => {
    await using world = await createWorld();
    const { host } = await gated(world);
    world.authority.isAsync = isAsync;
    const client = new RawClient(world.port).write(
      get(host, '/public/1', bearer('reader')) +
        get(host, '/public/2', bearer('reader')) +
        get(host, '/admin', bearer('reader')) +
        get(host, '/public/3', bearer('reader')),
    );
    const text = await client.rest();
    expect(text).toMatch(/"url":"\/public\/1"[\s\S]*"url":"\/public\/2"[\s\S]*HTTP\/1.1 403/);
    expect(text).not.toContain('/public/3');
  });

  test('asks the authority once for a run of identical requests, and again after a revocation', async () => {
    await using world = await createWorld();
    const { host } = await gated(world);
    const client = new RawClient(world.port);
    for (const index of ['01', '02', '03']) {
      client.write(get(host, '/x', bearer('visitor')));
      await client.until(new RegExp(`-000000${index}"`));
    }
    expect(world.authority.asked).toBe(1);
    world.authority.revoke('visitor');
    client.write(get(host, '/x', bearer('visitor')));
    expect(await client.rest()).toMatch(/HTTP\/1.1 401/);
  });

  test('cuts a response and an upgraded connection when the token is revoked, and when it expires', async () => {
    await using world = await createWorld({ limits: { sweepInterval: 20 } });
    world.authority.add('brief', { credentialId: 'crd_brief', expiresAt: Date.now() + 400 });
    world.authority.add('visitor', { credentialId: 'crd_visitor' });
    const cut: Promise<void>[] = [];
    const { host, service } = await world.publish(
      (_request, response) => {
        response.write('endless');
        cut.push(new Promise((resolve) => response.on('close', resolve)));
      },
      { token_auth: true },
    );
    service!.on('upgrade', (_request, socket) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nendless');
      cut.push(new Promise((resolve) => socket.on('close', () => resolve())));
    });
    const upgrade = 'Connection: Upgrade\r\nUpgrade: x\r\n';
    const clients = ['brief', 'visitor'].flatMap((token) =>
      ['', upgrade].map((more) => new RawClient(world.port).write(get(host, '/', bearer(token) + more))),
    );
    for (const client of clients) await client.until(/endless/);
    world.authority.revoke('visitor');
    for (const client of clients) await client.rest();
    await Promise.all(cut);
    expect(cut).toHaveLength(4);
  });
});

/** A gated service that answers each request with who the device was told it comes from. */
async function whoAmI(world: World): Promise<Published> {
  for (const name of ['ann', 'bob']) world.authority.add(name, { credentialId: `crd_${name}` });
  const service = createServer((request, response) => response.end(told(request)));
  service.on('upgrade', (request, socket) => {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n${told(request)}`);
  });
  const callers = new WeakMap<Duplex, string>();
  const told = (request: IncomingMessage): string => `${request.url} told ${callers.get(request.socket) ?? 'nobody'};`;
  const published = await world.publish(1, { token_auth: true });
  published.tunnel.onStream((stream, header, accept) => {
    accept();
    callers.set(stream, `${header.credential_id} ${header.user_id} ${header.source_ip}`);
    service.emit('connection', stream);
  });
  return published;
}

describe('the device is told the credential of the very request', () => {
  const upgrade = 'Connection: Upgrade\r\nUpgrade: x\r\n';
  const bob = 'crd_bob usr_of_crd_bob 127.0.0.1;';

  test('when a kept-alive connection changes it, for a request and for an upgrade', async () => {
    await using world = await createWorld();
    const { host } = await whoAmI(world);
    const client = new RawClient(world.port);
    await client.write(get(host, '/1', bearer('ann'))).until(/\/1 told crd_ann usr_of_crd_ann 127\.0\.0\.1;/);
    await client.write(get(host, '/2', bearer('bob'))).until(new RegExp(`/2 told ${bob}`));
    await client.write(get(host, '/3', bearer('ann'))).until(/\/3 told crd_ann /);
    expect(await client.write(get(host, '/4', bearer('bob') + upgrade)).until(/\/4 told .*;/)).toContain(`/4 told ${bob}`);
    client.socket.destroy();
  });

  test('when the requests are pipelined', async () => {
    await using world = await createWorld();
    const { host } = await whoAmI(world);
    const client = new RawClient(world.port).write(
      get(host, '/1', bearer('ann')) +
        get(host, '/2', bearer('bob')) +
        get(host, '/3', bearer('ann')) +
        get(host, '/4', bearer('bob') + upgrade),
    );
    const text = await client.until(/\/4 told \S+ /);
    expect([...text.matchAll(/(\/\d) told (\S+)/g)].map(([, path, credential]) => `${path} ${credential}`)).toEqual([
      '/1 crd_ann',
      '/2 crd_bob',
      '/3 crd_ann',
      '/4 crd_bob',
    ]);
    client.socket.destroy();
  });

  test('and the address of the client that takes the connection over, behind a proxy that pools its connections', async () => {
    await using world = await createWorld({ isTrustedProxy: (ip) => ip === '127.0.0.1' });
    const { host } = await whoAmI(world);
    const from = (ip: string): string => `X-Forwarded-For: ${ip}\r\n`;
    const client = new RawClient(world.port);
    await client.write(get(host, '/1', bearer('ann') + from('192.0.2.1'))).until(/\/1 told crd_ann usr_of_crd_ann 192\.0\.2\.1;/);
    expect(await client.write(get(host, '/2', bearer('ann') + from('192.0.2.2') + upgrade)).until(/\/2 told .*;/)).toContain(
      '/2 told crd_ann usr_of_crd_ann 192.0.2.2;',
    );
    client.socket.destroy();
  });
});

test('a public tunnel leaves Authorization to the service but still removes a stray token of ours', async () => {
  await using world = await createWorld();
  const { host } = await world.publish((request, response) => response.end(JSON.stringify({ url: request.url, ...request.headers })));
  const text = await ask(world, get(host, '/?rstream.token=stray&a=1', `${bearer('theirs')}Cookie: rstream.token=stray\r\n`));
  expect(text).toContain('"authorization":"Bearer theirs"');
  expect(text).toContain('"url":"/?a=1"');
  expect(text).not.toContain('stray');
});
