import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fetchLocal, ProcessWorld } from '../src/index.ts';

type Era = 'modern' | 'legacy';
type Data = Record<string, unknown>;
interface Result {
  readonly isError: boolean;
  readonly text: string;
  readonly data: Data;
}
interface AgentOptions {
  readonly era: Era;
  /** The user's answer to a question; without it the client cannot ask. */
  readonly answer?: (message: string) => { action: 'accept' | 'decline'; content?: { confirm: boolean } };
}

let world: ProcessWorld;
let service: Server;
let port: number;
/** Everything that any server told any client. */
let told = '';

/** A coding agent's MCP client on a `rstream mcp serve` of its own. */
class Agent implements AsyncDisposable {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async start({ era, answer }: AgentOptions): Promise<Agent> {
    const env = Object.fromEntries(Object.entries(world.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
    const transport = new StdioClientTransport({ ...world.commandLine('rstream', ['mcp', 'serve']), env, stderr: 'pipe' });
    transport.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
    const client = new Client(
      { name: 'acceptance', version: '1' },
      {
        capabilities: answer === undefined ? {} : { elicitation: { form: {} } },
        versionNegotiation: { mode: era === 'modern' ? { pin: '2026-07-28' } : 'legacy' },
      },
    );
    if (answer !== undefined) client.setRequestHandler('elicitation/create', (request) => answer(request.params.message));
    await client.connect(transport);
    return new Agent(client);
  }

  async call(name: string, args: Data = {}, signal?: AbortSignal): Promise<Result> {
    const result = await this.#client.callTool({ name: `rstream_${name}`, arguments: args }, signal === undefined ? {} : { signal });
    told += JSON.stringify(result);
    const [first] = result.content as readonly { text?: string }[];
    return { isError: result.isError === true, text: first?.text ?? '', data: (result.structuredContent ?? {}) as Data };
  }

  exec(command: readonly string[], args: Data = {}, signal?: AbortSignal): Promise<Result> {
    return this.call('webtty_exec', { url: 'rstrm://device', command, ...args }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const numberIn = (file: string): Promise<number> =>
  vi.waitFor(() => Number(/^(\d+)\n/.exec(readFileSync(file, 'utf8'))?.[1] ?? expect.fail('empty')), { timeout: 10_000, interval: 20 });

beforeAll(async () => {
  service = createServer((request, response) => response.end(`hello ${request.url}`)).listen(0, '127.0.0.1');
  await once(service, 'listening');
  ({ port } = service.address() as AddressInfo);
  world = await ProcessWorld.start();
  await world.startDevice('device', ['--label', 'role=test']);
}, 60_000);

afterAll(async () => {
  await world.close();
  service.closeAllConnections();
  service.close();
});

describe.each<Era>(['modern', 'legacy'])('a coding agent that speaks the %s protocol', (era) => {
  it('sees that it is ready, and finds the device', async () => {
    await using agent = await Agent.start({ era });
    const { data: status, text } = await agent.call('runtime_status');
    expect(status).toMatchObject({ ready: true, selected_context: 'world', has_token: true });
    expect(JSON.parse(text)).toEqual(status);
    expect((await agent.call('webtty_list', { filter: 'labels.role=test' })).data).toMatchObject({
      total: 1,
      servers: [{ rstream_url: 'rstrm://device', status: 'online', capabilities: ['exec'] }],
    });
  });

  it('runs commands: success, failure, standard error, an unknown program, a deadline, a long output', async () => {
    await using agent = await Agent.start({ era });
    expect(await agent.exec(['echo', 'out'])).toMatchObject({ isError: false, data: { exit_code: 0, stdout: 'out\n' } });
    expect(await agent.exec(['sh', '-c', 'echo bad >&2; exit 7'])).toMatchObject({
      isError: true,
      data: { exit_code: 7, stdout: '', stderr: 'bad\n', error_kind: 'exit' },
    });
    expect((await agent.exec(['no-such-program'])).text).toMatch(/^error ERR_RSTREAM_COMMAND_NOT_FOUND: .+\nnext: .+/);
    expect(await agent.exec(['sh', '-c', 'echo part; exec sleep 300'], { timeout_ms: 400 })).toMatchObject({
      isError: true,
      data: { timed_out: true, stdout: 'part\n' },
    });
    const long = await agent.exec(['seq', '1', '200000']);
    expect(long.data).toMatchObject({ truncated: true, stdout_bytes: 1_288_895 });
    expect(Buffer.byteLength(long.text)).toBeLessThanOrEqual(32_768);
  });

  it('takes a command down within 2 s of cancelling its call', async () => {
    await using agent = await Agent.start({ era });
    const file = join(world.folder, `${era}.pid`);
    const cancel = new AbortController();
    const call = agent.exec(['sh', '-c', `echo $$ > ${file}; exec sleep 300`], {}, cancel.signal);
    const refused = call.catch((error: unknown) => error);
    const pid = await numberIn(file);
    cancel.abort();
    const from = performance.now();
    expect(await refused).toBeInstanceOf(Error);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 2_000, interval: 10 });
    expect(performance.now() - from).toBeLessThan(2_000);
    expect((await agent.exec(['echo', 'next'])).data).toMatchObject({ stdout: 'next\n' });
  });

  it('publishes a service behind a token, another agent sees it, and after stop it is gone', async () => {
    await using agent = await Agent.start({ era });
    const { data } = await agent.call('local_tunnel_expose', { port, name: `${era}-web`, ready_url: true, ready_path: '/docs' });
    expect(data).toMatchObject({ token_auth: true, keep: false });
    expect((await fetchLocal(String(data['url']))).status).toBe(401);
    expect(await fetchLocal(String(data['ready_url']))).toMatchObject({ status: 200, body: 'hello /docs' });
    {
      await using other = await Agent.start({ era });
      expect((await other.call('local_tunnel_list')).data).toMatchObject({ local_tunnels: [{ id: data['id'], owner: 'other' }] });
    }
    const stopped = await agent.call('local_tunnel_stop', { id: data['cleanup_id'] });
    expect(stopped.data).toMatchObject({ stopped: true, inventory: 'gone' });
    expect((await fetchLocal(String(data['url']))).status).toBe(404);
    expect((await agent.call('local_tunnel_list')).data).toMatchObject({ total: 0 });
  });

  it('publishes without a token only after the user agreed', async () => {
    const asked: string[] = [];
    let action: 'accept' | 'decline' = 'decline';
    const answer = (message: string) => {
      asked.push(message);
      return action === 'accept' ? { action, content: { confirm: true } } : { action };
    };
    await using agent = await Agent.start({ era, answer });
    const open = { port, name: `${era}-open`, token_auth: false };
    expect((await agent.call('local_tunnel_expose', open)).text).toContain('error ERR_RSTREAM_CONFIRMATION_DECLINED');
    action = 'accept';
    const { data } = await agent.call('local_tunnel_expose', open);
    expect(asked).toHaveLength(2);
    expect(asked[1]).toContain('without any authentication');
    expect(await fetchLocal(String(data['url']))).toMatchObject({ status: 200, body: 'hello /' });
  });

  it('that cannot ask its user needs the fingerprint of the plan, and it works for that call only', async () => {
    await using agent = await Agent.start({ era });
    const open = { port, name: `${era}-print`, token_auth: false };
    const plan = await agent.call('local_tunnel_expose', open);
    expect(plan.text).toContain('error ERR_RSTREAM_CONFIRMATION_REQUIRED');
    const { confirmation } = JSON.parse(/^details: (.*)$/m.exec(plan.text)?.[1] ?? '{}') as { confirmation: string };
    expect((await agent.call('local_tunnel_expose', { ...open, port: 1, confirmation })).text).toContain('CONFIRMATION_INVALID');
    const { data } = await agent.call('local_tunnel_expose', { ...open, confirmation });
    expect((await fetchLocal(String(data['url']))).status).toBe(200);
  });

  it('leaves a kept tunnel behind, which the next agent lists and stops', async () => {
    let data: Data;
    {
      await using first = await Agent.start({ era });
      ({ data } = await first.call('local_tunnel_expose', { port, name: `${era}-kept`, keep: true, token_auth: true }));
    }
    await using second = await Agent.start({ era });
    expect((await second.call('local_tunnel_list')).data).toMatchObject({
      total: 1,
      local_tunnels: [{ id: data['id'], keep: true, owner: 'none' }],
    });
    expect((await fetchLocal(String(data['url']))).status).toBe(401);
    expect((await second.call('local_tunnel_stop', { all: true })).data).toMatchObject({ stopped: true });
    expect((await fetchLocal(String(data['url']))).status).toBe(404);
  });
});

it('no stored credential stands in any result or in anything that a process said', () => {
  const files = readdirSync(world.folder).filter((name) => name.endsWith('.token'));
  const tokens = [world.ready.ownerTokenFile, ...files.map((name) => join(world.folder, name))].map((file) =>
    readFileSync(file, 'utf8').trim(),
  );
  expect(tokens.length).toBeGreaterThanOrEqual(2);
  for (const token of tokens) expect(`${told}\n${world.everythingSaid}`).not.toContain(token);
});
