// A small local web service: the thing that somebody wants to show. Prints its port as JSON once it listens.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';

const page = `<!doctype html><meta charset="utf-8"><title>rstream sample</title>
<style>body{font:16px/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
<h1>It works</h1><p>This page comes from a service that listens only on this machine's loopback address.</p>`;

const server = createServer((request, response) => {
  if (request.url === '/api/time') {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ now: new Date().toISOString() }));
    return;
  }
  response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
});

server.listen(0, '127.0.0.1', () => {
  const [, , readyFile] = process.argv;
  const ready = JSON.stringify({ port: (server.address() as AddressInfo).port });
  if (readyFile !== undefined) writeFileSync(readyFile, ready);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    server.closeAllConnections();
    server.close();
  });
}
