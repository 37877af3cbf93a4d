import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { RawClient, createWorld, listening, project, sha256 } from './world.ts';

const get = (host: string, path = '/', more = ''): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);

describe('a published service', () => {
  test('gets the request with what the edge knows, and the visitor gets its answer', async () => {
    await using world = await createWorld();
    const { host } = await world.publish((request, response) => response.end(JSON.stringify({ url: request.url, ...request.headers })));
    const asked = get(
      host,
      '/a?b=1',
      'X-Forwarded-For: 10.9.8.7\r\nX-Forwarded-Proto: https\r\nX_Forwarded_Host: evil\r\nForwarded: for=1\r\nX-Real-IP: 1.1.1.1\r\n' +
        'Connection: close, X-Private\r\nX-Private: 1\r\nKeep-Alive: 1\r\nProxy-Authorization: x\r\nAuthorization: Basic abc\r\n',
    );
    const seen = JSON.parse(bodyOf(await new RawClient(world.port).write(asked).rest()));
    expect(seen).toMatchObject({
      url: '/a?b=1',
      host,
      connection: 'close',
      'x-forwarded-for': '10.9.8.7, 127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': host,
      authorization: 'Basic abc',
    });
    expect(seen['rstream-request-id']).toMatch(/^[0-9a-f]{14}-00000001$/);
    for (const name of ['x_forwarded_host', 'forwarded', 'x-real-ip', 'x-private', 'keep-alive', 'proxy-authorization'])
      expect(seen).not.toHaveProperty([name]);
  });

  test('serves kept-alive and pipelined requests in order, each with its own number', async () => {
    await using world = await createWorld();
    const { host } = await world.publish((request, response) =>
      response.end(`<${request.url} ${String(request.headers['rstream-request-id']).slice(-2)}>`),
    );
    const client = new RawClient(world.port).write(get(host, '/same'));
    await client.until(/<\/same 01>/);
    client.write(get(host, '/same') + get(host, '/same') + get(host, '/other'));
    const text = await client.until(/<\/other 04>/);
    expect(text.match(/<[^>]+>/g)).toEqual(['</same 01>', '</same 02>', '</same 03>', '</other 04>']);
  });

  test('takes bodies with a length and with chunks, each followed at once by the next request', async () => {
    await using world = await createWorld();
    const { host } = await world.publish((request, response) => {
      void request
        .toArray()
        .then((parts) => response.end(`[${Buffer.concat(parts as Buffer[]).toString()}|${request.trailers['x-sum'] ?? ''}]`));
    });
    const client = new RawClient(world.port).write(
      `POST /a HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\n\r\nfirst` +
        `POST /b HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsec\r\n3;x=y\r\nond\r\n0\r\nX-Sum: 7\r\n\r\n${get(host)}`,
    );
    expect((await client.until(/\[\|\]/)).match(/\[[^\]]*\]/g)).toEqual(['[first|]', '[second|7]', '[|]']);
  });

  test('passes 100-continue, early hints, trailers and an early refusal through', async () => {
    await using world = await createWorld();
    const { host } = await world.publish((request, response) => {
      if (request.url === '/early') return response.writeHead(413, { connection: 'close' }).end('too much');
      request.resume().on('end', () => {
        response.writeEarlyHints({ link: '</a.css>; rel=preload' });
        response.writeHead(200, { trailer: 'x-end' });
        response.write('body');
        response.addTrailers({ 'x-end': 'yes' });
        response.end();
      });
      return undefined;
    });
    const client = new RawClient(world.port).write(`POST / HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
    await client.until(/100 Continue/);
    client.write('ok');
    expect(await client.until(/x-end: yes/)).toMatch(/103 Early Hints[\s\S]*200 OK[\s\S]*body/);
    const early = new RawClient(world.port).write(`POST /early HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000000\r\n\r\nstart`);
    expect(await early.rest()).toMatch(/413[\s\S]*too much\r\n0\r\n\r\n$/);
  });

  test('streams events as they are written', async () => {
    await using world = await createWorld();
    let send = (_text: string): void => {};
    const { host } = await world.publish((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      send = (text) => void response.write(`data: ${text}\n\n`);
    });
    const client = new RawClient(world.port).write(get(host));
    await client.until(/text\/event-stream/);
    for (const text of ['one', 'two', 'three']) {
      send(text);
      expect(await client.until(new RegExp(`data: ${text}`))).toContain(text);
    }
  });

  test('takes 30 MB up and gives 30 MB down with equal hashes', async () => {
    await using world = await createWorld();
    const piece = randomBytes(1_000_000);
    const { host } = await world.publish((request, response) => {
      const hash = createHash('sha256');
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      const answer = async (): Promise<void> => {
        response.writeHead(200, { 'x-hash': hash.digest('hex') });
        for (let sent = 0; sent < 30; sent += 1) if (!response.write(piece)) await once(response, 'drain');
        response.end();
      };
      request.on('end', () => void answer());
    });
    const expected = sha256(Buffer.concat(Array.from({ length: 30 }, () => piece)));
    async function* upload(): AsyncGenerator<Buffer> {
      for (let sent = 0; sent < 30; sent += 1) yield piece;
    }
    const req = httpRequest({ port: world.port, host: '127.0.0.1', method: 'POST', headers: { host } });
    const answered = once(req, 'response');
    for await (const chunk of upload()) if (!req.write(chunk)) await once(req, 'drain');
    req.end();
    const [response] = (await answered) as [IncomingMessage];
    const hash = createHash('sha256');
    for await (const chunk of response) hash.update(chunk as Buffer);
    expect(response.headers['x-hash']).toBe(expected);
    expect(hash.digest('hex')).toBe(expected);
  });

  test('that closes idle connections does not disturb a visitor who keeps his', async () => {
    await using world = await createWorld();
    const { host, service } = await world.publish((request, response) => response.end(`<${request.url}>`));
    const client = new RawClient(world.port).write(get(host, '/1'));
    await client.until(/<\/1>/);
    service!.closeIdleConnections();
    client.write(get(host, '/2'));
    expect(await client.until(/<\/2>/)).toContain('</2>');
  });

  test('may delimit its answer by closing, and may ignore that the visitor wants the connection to end', async () => {
    await using world = await createWorld();
    const service = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        if (String(chunk).startsWith('GET /until-close')) socket.end('HTTP/1.1 200 OK\r\n\r\neverything');
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept');
      });
    });
    const { host } = await world.publish(await listening(service));
    expect(await new RawClient(world.port).write(get(host, '/until-close')).rest()).toMatch(/everything$/);
    expect(await new RawClient(world.port).write(get(host, '/', 'Connection: close\r\n')).rest()).toMatch(/kept$/);
    service.close();
  });

  test('hears at once that its visitor has gone', async () => {
    await using world = await createWorld();
    const gone = Promise.withResolvers<void>();
    const { host } = await world.publish((_request, response) => {
      response.writeHead(200).write('start');
      response.on('close', () => gone.resolve());
    });
    const client = new RawClient(world.port).write(get(host));
    await client.until(/start/);
    client.socket.resetAndDestroy();
    await gone.promise;
    const quiet = Promise.withResolvers<void>();
    const second = await world.publish((_request, response) => {
      response.writeHead(200).write('start');
      response.on('close', () => quiet.resolve());
    });
    const polite = new RawClient(world.port).write(get(second.host));
    await polite.until(/start/);
    polite.socket.destroy();
    await expect(quiet.promise).resolves.toBeUndefined();
  });
});

describe('an upgrade', () => {
  test('becomes raw in both directions after a 101, with the first bytes of both sides kept', async () => {
    await using world = await createWorld();
    const { host, service } = await world.publish((_request, response) => response.end('plain'));
    service!.on('upgrade', (_request, socket, head: Buffer) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nserver first;');
      socket.write(head);
      socket.pipe(socket);
    });
    const client = new RawClient(world.port).write(
      get(host, '/ws', 'Connection: Upgrade\r\nUpgrade: echo\r\n') + 'GET /not-a-request HTTP/1.1\r\n\r\n',
    );
    expect(await client.until(/not-a-request HTTP\/1.1\r\n\r\n/)).toMatch(/101 Switching[\s\S]*server first;GET/);
    client.write(Buffer.from([0, 255, 13, 10]));
    await client.until(/\u00ff\r\n$/);
    client.socket.end();
    expect(await client.rest()).toMatch(/\xff\r\n$/);
  });

  test('that the service refuses leaves the next bytes to be read and authorised as a request', async () => {
    await using world = await createWorld();
    const seen: string[] = [];
    const { host } = await world.publish((request, response) => {
      seen.push(`${request.url}`);
      response.writeHead(request.url === '/ws' ? 426 : 200).end(`<${request.url}>`);
    });
    const smuggled = `GET /admin HTTP/1.1\r\nHost: other-${project.endpoint}.t.${world.base}\r\n\r\n`;
    const client = new RawClient(world.port).write(get(host, '/ws', 'Connection: Upgrade\r\nUpgrade: websocket\r\n') + smuggled);
    expect(await client.rest()).toMatch(/426[\s\S]*<\/ws>\r\n0\r\n\r\nHTTP\/1.1 421/);
    expect(seen).toEqual(['/ws']);
  });
});

describe('the edge answers by itself', () => {
  const codeOf = (text: string): string | undefined => /rstream-error: (\w+)/.exec(text)?.[1];

  test('404 for an unknown tunnel, as JSON for a program and as a page for a browser, escaped', async () => {
    await using world = await createWorld();
    const host = `nope-${project.endpoint}.t.${world.base}`;
    const text = await new RawClient(world.port).write(get(host)).rest();
    expect(text).toMatch(/^HTTP\/1.1 404/);
    expect(codeOf(text)).toBe('TUNNEL_NOT_FOUND');
    expect(JSON.parse(bodyOf(text))).toMatchObject({
      code: 'TUNNEL_NOT_FOUND',
      error: expect.any(String),
      next: expect.any(String),
      request_id: expect.any(String),
    });
    const page = await new RawClient(world.port).write(get(host, '/<script>', 'Accept: text/html\r\n')).rest();
    expect(page).toContain('content-type: text/html');
    expect(page).toContain("content-security-policy: default-src 'none'");
    expect(page).not.toContain('<script>');
  });

  test('502 for a tunnel whose device has gone, 404 once it was closed on purpose', async () => {
    await using world = await createWorld();
    const first = await world.publish((_request, response) => response.end());
    await first.session.close();
    const offline = await new RawClient(world.port).write(get(first.host)).rest();
    expect([offline.slice(9, 12), codeOf(offline)]).toEqual(['502', 'TUNNEL_OFFLINE']);
    const second = await world.publish((_request, response) => response.end());
    await second.tunnel.close();
    expect(codeOf(await new RawClient(world.port).write(get(second.host)).rest())).toBe('TUNNEL_NOT_FOUND');
  });

  test('502 when the service does not listen, or closes without a word', async () => {
    await using world = await createWorld();
    const dead = createTcpServer();
    const port = await listening(dead);
    dead.close();
    const { host } = await world.publish(port);
    const refused = await new RawClient(world.port).write(get(host)).rest();
    expect([refused.slice(9, 12), codeOf(refused)]).toEqual(['502', 'UPSTREAM_UNREACHABLE']);
    const rude = createTcpServer((socket) => socket.once('data', () => socket.end()).on('error', () => {}));
    const silent = await world.publish(await listening(rude));
    const closed = await new RawClient(world.port).write(get(silent.host)).rest();
    expect([closed.slice(9, 12), codeOf(closed)]).toEqual(['502', 'UPSTREAM_UNREACHABLE']);
    rude.close();
  });

  test('504 when the service is too slow, also for a later request of the connection', async () => {
    await using world = await createWorld({ limits: { responseTimeout: 150, sweepInterval: 20 } });
    const { host } = await world.publish((request, response) => {
      if (request.url !== '/slow') response.end('<quick>');
    });
    const client = new RawClient(world.port).write(get(host, '/quick'));
    await client.until(/<quick>/);
    client.write(get(host, '/slow'));
    const text = await client.rest();
    expect(text).toMatch(/<quick>HTTP\/1.1 504/);
    expect(codeOf(text)).toBe('UPSTREAM_TIMEOUT');
  });

  test('no deadline cuts a response that has begun, or an upgraded connection', async () => {
    await using world = await createWorld({ limits: { responseTimeout: 60, idleTimeout: 60, headTimeout: 60, sweepInterval: 10 } });
    const { host, service } = await world.publish((_request, response) => {
      response.write('begun ');
      void delay(300).then(() => response.end('and done'));
    });
    service!.on('upgrade', (_request, socket) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
      void delay(300).then(() => socket.end('late'));
    });
    const slow = new RawClient(world.port).write(get(host));
    const upgraded = new RawClient(world.port).write(get(host, '/', 'Connection: Upgrade\r\nUpgrade: x\r\n'));
    expect(await slow.until(/and done/)).toContain('begun');
    expect(await upgraded.until(/late/)).toContain('101');
  });

  test('421 for another host on a connection, after the answers to earlier requests', async () => {
    await using world = await createWorld();
    const one = await world.publish((_request, response) => void delay(100).then(() => response.end('<one>')));
    const two = await world.publish((_request, response) => response.end('<two>'));
    const text = await new RawClient(world.port).write(get(one.host) + get(two.host)).rest();
    expect(text).toMatch(/<one>HTTP\/1.1 421/);
    expect(text).not.toContain('<two>');
  });

  test('400 for a bad second request, and nothing of it or after it reaches the service', async () => {
    await using world = await createWorld();
    const seen: string[] = [];
    const { host } = await world.publish((request, response) => {
      seen.push(`${request.url}`);
      response.end('<ok>');
    });
    const text = await new RawClient(world.port)
      .write(
        `${get(host, '/1')}POST /2 HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${get(host, '/3')}`,
      )
      .rest();
    expect(text).toMatch(/<ok>HTTP\/1.1 400/);
    expect(seen).toEqual(['/1']);
  });

  test('400 for a body whose chunks are broken, and the service sees the request break off', async () => {
    await using world = await createWorld();
    const broken = Promise.withResolvers<void>();
    const { host } = await world.publish((request) => void request.on('error', () => broken.resolve()).resume());
    const client = new RawClient(world.port).write(`POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`);
    await delay(30);
    client.write('zz\r\n');
    expect(await client.rest()).toMatch(/^HTTP\/1.1 400/);
    await broken.promise;
  });

  test('403 for an address outside trusted_ips', async () => {
    await using world = await createWorld();
    const { host } = await world.publish((_request, response) => response.end(), { trusted_ips: ['10.0.0.0/8', '::1'] });
    const text = await new RawClient(world.port).write(get(host)).rest();
    expect([text.slice(9, 12), codeOf(text)]).toEqual(['403', 'FORBIDDEN']);
    const trusted = await world.publish((_request, response) => response.end('in'), { trusted_ips: ['127.0.0.1'] });
    await new RawClient(world.port).write(get(trusted.host)).until(/in$/);
  });

  test('408 for a head that does not arrive, and silence for a connection that says nothing', async () => {
    await using world = await createWorld({ limits: { headTimeout: 80, sweepInterval: 10 } });
    const slow = new RawClient(world.port).write('GET / HTTP/1.1\r\nHost: ');
    expect(await slow.rest()).toMatch(/^HTTP\/1.1 408/);
    expect(await new RawClient(world.port).rest()).toBe('');
  });

  test('431 for a head that is too large', async () => {
    await using world = await createWorld();
    const text = await new RawClient(world.port).write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}`).rest();
    expect(text).toMatch(/^HTTP\/1.1 431/);
  });
});

test('requests for other hosts go to the control plane with every byte intact', async () => {
  await using world = await createWorld();
  const client = new RawClient(world.port).write(
    `POST /api/x HTTP/1.1\r\nHost: ${world.base}\r\nContent-Length: 3\r\n\r\nabc${get(world.base, '/second')}`,
  );
  expect(await client.until(/second/)).toMatch(/control plane: POST \/api\/x[\s\S]*control plane: GET \/second/);
});

test('a thousand connections of garbage leave the edge serving and holding nothing', async () => {
  await using world = await createWorld();
  const { host } = await world.publish((_request, response) => response.end('alive'));
  const garbage = Array.from({ length: 1000 }, async (_, index) => {
    const client = new RawClient(world.port);
    client.socket.end(index % 2 === 0 ? randomBytes(64) : `GET / HTTP/1.1\nHost: ${host}\n\n`);
    return client.rest();
  });
  await new RawClient(world.port).write(get(host)).until(/alive/);
  await Promise.all(garbage);
  await expect.poll(() => world.relay.stats().edgeConnections, { timeout: 3000 }).toBeLessThan(3);
});

test('connections above the limit of one address are turned away, and places come free', async () => {
  await using world = await createWorld({ limits: { connectionsPerIp: 3 } });
  const { host, session } = await world.publish((_request, response) => response.end('in'));
  expect(session.clientId).not.toBe('');
  const held = Array.from({ length: 3 }, () => new RawClient(world.port));
  await expect.poll(() => world.relay.stats().edgeConnections).toBe(3);
  expect(await new RawClient(world.port).write(get(host)).rest()).toMatch(/^HTTP\/1.1 429[\s\S]*CAPACITY_EXHAUSTED/);
  for (const client of held) client.socket.destroy();
  await expect.poll(() => world.relay.stats().edgeConnections).toBe(0);
  await new RawClient(world.port).write(get(host)).until(/in$/);
});

test('a drain lets the running response finish, then closes', async () => {
  await using world = await createWorld();
  const release = Promise.withResolvers<void>();
  const { host } = await world.publish((_request, response) => {
    response.write('first half,');
    void release.promise.then(() => response.end(' second half'));
  });
  const client = new RawClient(world.port).write(get(host));
  await client.until(/first half/);
  const idle = new RawClient(world.port).write(get(host, '/'));
  await idle.until(/first half/);
  const drained = world.relay.drain(5000);
  release.resolve();
  await drained;
  expect(await client.rest()).toContain('second half');
});
