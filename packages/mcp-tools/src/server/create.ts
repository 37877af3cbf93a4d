import {
  CLIENT_CAPABILITIES_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type CallToolRequest,
  type CallToolResult,
  type ClientCapabilities,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { mcpLimits } from '@rstream/protocol/limits';
import type { CallContext, Tool } from '../tool/define.ts';
import { confirmationInput, describeTool } from './describe.ts';
import { Confirmations } from './confirmation.ts';
import { consentTo, planOf } from './consent.ts';
import { within } from './deadline.ts';
import { Limiter } from './limiter.ts';
import { failed, finished, invalidArguments } from './result.ts';

export interface McpServerOptions<Ports> {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly instructions: string;
  /** Offered in the order of their names. */
  readonly tools: readonly Tool<Ports>[];
  readonly ports: Ports;
  /** Names of tools that ask although they do so only on request. */
  readonly confirm?: ReadonlySet<string>;
  /** Problems outside any call: a broken message, a failed write. Never written to the protocol stream. */
  readonly onError?: (error: Error) => void;
  readonly limiter?: Limiter;
  readonly confirmations?: Confirmations;
}

/** One MCP server of this process: all its connections share the places for calls and the confirmations. */
export interface McpToolServer {
  /** A protocol instance for one connection; the SDK calls it once per connection or probe, in either protocol era. */
  readonly connection: () => Server;
  /** Resolves when no call runs any more. */
  idle(): Promise<void>;
}

/** The server that validates, asks, bounds and runs tools, whatever carries its messages. */
export function createMcpServer<Ports>(options: McpServerOptions<Ports>): McpToolServer {
  const tools = options.tools.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const listing = { tools: tools.map(describeTool) };
  const runner: Runner<Ports> = {
    ports: options.ports,
    asked: options.confirm ?? new Set(),
    limiter: options.limiter ?? new Limiter(),
    confirmations: options.confirmations ?? new Confirmations(),
  };
  const connection = () => {
    const cacheHint = { ttlMs: 3_600_000, cacheScope: 'private' as const };
    const server = new Server(
      { name: options.name, title: options.title, version: options.version },
      {
        capabilities: { tools: {} },
        instructions: options.instructions,
        cacheHints: { 'tools/list': cacheHint, 'server/discover': cacheHint },
      },
    );
    if (options.onError !== undefined) server.onerror = options.onError;
    server.setRequestHandler('tools/list', () => listing);
    server.setRequestHandler('tools/call', async (request, context) => {
      const tool = byName.get(request.params.name);
      if (tool === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${request.params.name}`);
      // Per request in the 2026 era, once per connection before it.
      const envelope: Readonly<Record<string, unknown>> = context.mcpReq.envelope ?? {};
      const declared = (envelope[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined) ?? server.getClientCapabilities();
      return await callTool(tool, request.params, { runner, context, canElicit: takesForms(declared) });
    });
    return server;
  };
  return { connection, idle: () => runner.limiter.idle() };
}

interface Runner<Ports> {
  readonly ports: Ports;
  readonly asked: ReadonlySet<string>;
  readonly limiter: Limiter;
  readonly confirmations: Confirmations;
}

interface Call<Ports> {
  readonly runner: Runner<Ports>;
  readonly context: ServerContext;
  readonly canElicit: boolean;
}

/** An empty declaration means forms; one that names only `url` does not. */
function takesForms(capabilities: ClientCapabilities | undefined): boolean {
  const declared = capabilities?.elicitation;
  return declared !== undefined && (declared.form !== undefined || declared.url === undefined);
}

async function callTool<Ports>(
  tool: Tool<Ports>,
  params: CallToolRequest['params'],
  call: Call<Ports>,
): Promise<CallToolResult | InputRequiredResult> {
  try {
    return await confirmAndRun(tool, params.arguments ?? {}, call);
  } catch (error) {
    return failed(error);
  }
}

async function confirmAndRun<Ports>(
  tool: Tool<Ports>,
  args: Readonly<Record<string, unknown>>,
  { runner, context, canElicit }: Call<Ports>,
): Promise<CallToolResult | InputRequiredResult> {
  const { [confirmationInput]: fingerprint, ...rest } = args;
  const parsed = tool.input.safeParse(rest);
  if (!parsed.success) throw invalidArguments(parsed.error, Object.keys(tool.input.shape));
  // The schema of the same tool made this value, so its own handler accepts it.
  const input = parsed.data as never;
  const plan = await planOf(tool, runner.ports, input, runner.asked);
  if (plan !== undefined) {
    const consent = {
      canElicit,
      responses: context.mcpReq.inputResponses,
      state: context.mcpReq.requestState<string>(),
      fingerprint: typeof fingerprint === 'string' && fingerprint !== '' ? fingerprint : undefined,
    };
    const answer = consentTo(plan, { tool: tool.name, input }, consent, runner.confirmations);
    if (answer !== undefined) return answer;
  }
  const signal = context.mcpReq.signal;
  const bounds = { signal, deadlineMs: tool.deadline?.(input) ?? mcpLimits.callTimeout.default };
  const task = () => within((until) => tool.run(runner.ports, input, callContext(context, until)), bounds);
  return finished(await runner.limiter.run(task, signal), tool.output);
}

function callContext(context: ServerContext, signal: AbortSignal): CallContext {
  const token = context.mcpReq._meta?.progressToken;
  let steps = 0;
  return {
    signal,
    progress: (message) => {
      if (token === undefined) return;
      steps += 1;
      const params = { progressToken: token, progress: steps, message };
      // Progress is a courtesy: a client that cannot take it still gets its result.
      void context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
    },
  };
}
