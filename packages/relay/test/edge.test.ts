import { expect, test } from 'vitest';
import { RawClient, createWorld } from './world.ts';

const get = (host: string, path = '/', more = ''): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;

test('a request for a published tunnel reaches the service behind the agent', async () => {
  await using world = await createWorld();
  const { host } = await world.publish((request, response) => {
    response.setHeader('x-seen', String(request.headers['x-forwarded-host']));
    response.end(`hello from ${request.url}`);
  });
  const client = new RawClient(world.port).write(get(host, '/a?b=1'));
  const text = await client.until(/hello from/);
  expect(text).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(text).toContain(`x-seen: ${host}`);
  expect(text).toContain('hello from /a?b=1');
});

test('a private dial by name reaches the device', async () => {
  await using world = await createWorld();
  await world.publish((_request, response) => response.end('private'), { name: 'inside', publish: false });
  const operator = await world.client();
  const stream = await operator.dial('inside');
  stream.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  expect(text).toContain('private');
});

test('requests for other hosts go to the control plane with every byte intact', async () => {
  await using world = await createWorld();
  const client = new RawClient(world.port).write(get(world.base, '/api/whoami'));
  expect(await client.until(/control plane/)).toContain('control plane: GET /api/whoami');
});
