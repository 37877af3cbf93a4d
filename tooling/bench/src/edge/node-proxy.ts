// http-proxy-3 as a peer: `node node-proxy.ts PORT ORIGIN_PORT`.
import { Agent } from 'node:http';
import { createProxyServer } from 'http-proxy-3';

const [, , port, origin] = process.argv;
const agent = new Agent({ keepAlive: true, maxSockets: 1024 });
const proxy = createProxyServer({ target: `http://127.0.0.1:${origin}`, agent });
proxy.on('error', (error) => console.error(error.message));
proxy.listen(Number(port), '127.0.0.1');
