import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { HostedConfigInput } from '../src/config/schema.ts';
import { type RunningHosted, startHosted } from '../src/hosted.ts';
import { createLogger } from '../src/log.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // Tests look into answers freely.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

export interface Call {
  readonly method?: string;
  readonly host?: string;
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | object;
}

export interface World {
  readonly hosted: RunningHosted;
  readonly ownerToken: string;
  readonly engineHost: string;
  readonly log: () => string;
  call(path: string, call?: Call): Promise<Answer>;
  open(path: string, call?: Call): Promise<IncomingMessage>;
  dispose(): Promise<void>;
}

export const temporaryDirectory = (): string => mkdtempSync(join(tmpdir(), 'rstream-hosted-'));

/** A hosted process inside this one, on a free port and a temporary directory. */
export async function startWorld(config: Partial<HostedConfigInput> = {}): Promise<World> {
  const dataDir = config.dataDir ?? temporaryDirectory();
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const hosted = await startHosted(
    { listen: '127.0.0.1:0', metrics: { listen: '127.0.0.1:0' }, ...config, dataDir },
    { logger: createLogger('trace', sink) },
  );
  const engineHost = hosted.engine;
  const open = (path: string, call: Call = {}): Promise<IncomingMessage> => send(hosted.port, path, call);
  return {
    hosted,
    ownerToken: readFileSync(hosted.directory.ownerToken, 'utf8').trim(),
    engineHost,
    log: () => lines.join(''),
    open,
    async call(path, call) {
      const response = await open(path, call);
      const text = await readAll(response);
      return { status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) };
    },
    async dispose() {
      await hosted.stop({ drainTimeoutMs: 200 });
      if (config.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function send(port: number, path: string, { method = 'GET', host, token, headers = {}, body }: Call): Promise<IncomingMessage> {
  const payload = typeof body === 'object' ? JSON.stringify(body) : body;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        agent: false,
        headers: {
          host: host ?? `rstream.localhost:${port}`,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
          ...headers,
        },
      },
      resolve,
    );
    request.on('error', reject);
    request.end(payload);
  });
}

export async function readAll(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
