import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { runtimeTools } from '@rstream/mcp-tools/runtime';
import { createMcpServer, runtimeInstructions, type McpServerOptions } from '@rstream/mcp-tools/server';
import type { RuntimePorts } from '@rstream/mcp-tools';
import { fakePorts } from './fake-ports.ts';

export type Era = 'modern' | 'legacy';
export const eras: readonly Era[] = ['modern', 'legacy'];

export interface World extends AsyncDisposable {
  readonly client: Client;
  call(name: string, args?: Record<string, unknown>, options?: { signal?: AbortSignal }): Promise<CallResult>;
}

export interface CallResult {
  readonly text: string;
  readonly data: Record<string, unknown> | undefined;
  readonly isError: boolean;
  readonly links: readonly string[];
}

export interface WorldOptions extends Partial<McpServerOptions<RuntimePorts>> {
  readonly era?: Era;
  /** The user's answer; without it the client does not offer elicitation. */
  readonly answer?: (message: string) => { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, boolean> };
}

/** A real client on the real server, joined by an in-memory transport. */
export async function openWorld({ era = 'modern', answer, ...options }: WorldOptions = {}): Promise<World> {
  const server = createMcpServer({
    name: 'rstream',
    title: 'rstream',
    version: '0.1.0',
    instructions: runtimeInstructions,
    tools: runtimeTools,
    ports: fakePorts(),
    ...options,
  });
  const [near, far] = InMemoryTransport.createLinkedPair();
  const handle = serveStdio(server.connection, { transport: far });
  const client = new Client(
    { name: 'test', version: '1' },
    {
      capabilities: answer === undefined ? {} : { elicitation: { form: {} } },
      versionNegotiation: { mode: era === 'modern' ? { pin: '2026-07-28' } : 'legacy' },
    },
  );
  if (answer !== undefined) client.setRequestHandler('elicitation/create', (request) => answer(request.params.message));
  await client.connect(near);
  return {
    client,
    async call(name, args = {}, callOptions = {}) {
      const result = await client.callTool({ name, arguments: args }, callOptions);
      const [first, ...others] = result.content as readonly { type: string; text?: string; uri?: string }[];
      return {
        text: first?.text ?? '',
        data: result.structuredContent as Record<string, unknown> | undefined,
        isError: result.isError === true,
        links: others.map((item) => item.uri ?? ''),
      };
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await handle.close();
    },
  };
}
