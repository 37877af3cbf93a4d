import { request } from 'node:http';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

export interface JobOptions {
  /** Starts `rstream mcp serve`. */
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  /** Port of the local service to publish. */
  readonly servicePort: number;
  readonly signal: AbortSignal;
  /** Called after each step with what there is to see. */
  readonly show: (step: string, milliseconds: number, text: string) => void;
}

export interface Job {
  /** Ready URL of the published service; it carries a short-lived token. */
  readonly url: string;
  /** Ends the MCP server, and with it the tunnel that it opened. */
  close(): Promise<void>;
}

type Structured = Record<string, unknown>;
const FETCH_DEADLINE_MS = 15_000;

/** The main job: status → devices → a command on one → publish a service → fetch it. Throws at the first step that fails. */
export async function mainJob({ command, env, servicePort, signal, show }: JobOptions): Promise<Job> {
  const [file, ...args] = command;
  const client = new Client({ name: 'rstream-demo', version: '1.0.0' });
  const transport = new StdioClientTransport({ command: file, args, env: stringsOnly(env), stderr: 'inherit' });

  const step = async <T>(name: string, work: () => Promise<T>, text: (result: T) => string): Promise<T> => {
    signal.throwIfAborted();
    const started = performance.now();
    const result = await work();
    show(name, performance.now() - started, text(result));
    return result;
  };
  const call = async (name: string, input: Structured): Promise<Structured> => {
    const result = await client.callTool({ name, arguments: input }, { signal });
    if (result.isError === true || result.structuredContent === undefined) {
      throw new Error(`${name} failed: ${JSON.stringify(result.content)}`);
    }
    return result.structuredContent as Structured;
  };

  try {
    await step(
      'MCP server starts',
      () => client.connect(transport),
      () => '',
    );
    await step(
      'rstream_runtime_status',
      () => call('rstream_runtime_status', {}),
      ({ ready, engine }) => `ready: ${String(ready)}, engine: ${String(engine)}`,
    );
    const { servers } = await step(
      'rstream_webtty_list',
      () => call('rstream_webtty_list', {}),
      (result) =>
        (result['servers'] as Structured[])
          .map((server) => `${String(server['rstream_url'])}  ${String(server['status'])}  ${String(server['hostname'])}`)
          .join('\n'),
    );
    const [device] = servers as Structured[];
    if (device === undefined) throw new Error('no device is online');
    await step(
      'rstream_webtty_exec',
      () => call('rstream_webtty_exec', { url: device['rstream_url'], command: ['uname', '-sm'] }),
      (result) => `exit ${String(result['exit_code'])}: ${String(result['stdout']).trim()}`,
    );
    const exposed = await step(
      'rstream_local_tunnel_expose',
      () => call('rstream_local_tunnel_expose', { port: servicePort, name: 'sample', ready_url: true }),
      (result) => `${String(result['url'])}  (token-protected, until ${String(result['expires_at'])})`,
    );
    const url = String(exposed['ready_url']);
    await step(
      'fetch its URL',
      () => fetchPublished(url, signal),
      ({ status, bytes }) => `HTTP ${status}, ${bytes} bytes`,
    );
    return { url, close: () => client.close() };
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** GET a published URL. Names under `.localhost` are loopback, which not every resolver knows: connect there and send the name. */
function fetchPublished(url: string, signal: AbortSignal): Promise<{ status: number; bytes: number }> {
  const { hostname, port, pathname, search, host } = new URL(url);
  const address = hostname.endsWith('.localhost') ? '127.0.0.1' : hostname;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: address,
        port,
        path: pathname + search,
        headers: { host, connection: 'close' },
        signal: AbortSignal.any([signal, AbortSignal.timeout(FETCH_DEADLINE_MS)]),
      },
      (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => (bytes += chunk.length));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve({ status: 200, bytes });
          else
            reject(
              new Error(`the published URL answered ${response.statusCode ?? 0} (${String(response.headers['rstream-error'] ?? '')})`),
            );
        });
      },
    );
    outgoing.on('error', reject).end();
  });
}

const stringsOnly = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
