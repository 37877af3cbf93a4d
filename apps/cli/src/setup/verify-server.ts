import { productVersion, toRstreamError } from '@rstream/protocol';
import type { Overrides } from './environment.ts';
import { commandLine, type LaunchCommand } from './executable.ts';
import { startJsonLines } from './json-lines.ts';
import type { Verification } from './result.ts';

const VERIFY_TIMEOUT_MS = 10_000;
const PROTOCOL_VERSION = '2025-06-18';

/** Tools without which the main job cannot be done. */
export const requiredTools = ['rstream_runtime_status', 'rstream_context_list', 'rstream_webtty_list', 'rstream_webtty_exec'] as const;

interface ServerAnswer {
  readonly protocolVersion?: string;
  readonly serverInfo?: { readonly name?: string; readonly version?: string };
}

/** Starts the MCP server as the client would, asks who it is and which tools it has, and ends it. Calls no tool; needs no network. */
export async function verifyServer(launch: LaunchCommand, overrides: Overrides, signal: AbortSignal): Promise<Verification> {
  const ends = AbortSignal.any([signal, AbortSignal.timeout(VERIFY_TIMEOUT_MS)]);
  const server = startJsonLines(launch, { env: { ...process.env, ...overrides }, signal: ends });
  try {
    const clientInfo = { name: 'rstream-setup', version: productVersion };
    const hello = (await server.request('initialize', { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo })) as ServerAnswer;
    server.notify('notifications/initialized');
    const { tools = [] } = (await server.request('tools/list', {})) as { tools?: readonly { readonly name: string }[] };
    return judge(hello, tools);
  } catch (error) {
    const { message } = toRstreamError(error);
    return { status: 'failed', required_tools: requiredTools, message: `${message} Command: ${commandLine(launch)}` };
  } finally {
    await server.close();
  }
}

function judge({ protocolVersion, serverInfo = {} }: ServerAnswer, tools: readonly { readonly name: string }[]): Verification {
  const missing = requiredTools.filter((name) => !tools.some((tool) => tool.name === name));
  const problem =
    serverInfo.name !== 'rstream'
      ? `The server calls itself "${serverInfo.name ?? ''}", not "rstream".`
      : serverInfo.version !== productVersion
        ? `The server is version ${serverInfo.version ?? '?'}, this is ${productVersion}.`
        : missing.length > 0
          ? `The server lacks ${missing.join(', ')}.`
          : undefined;
  return {
    status: problem === undefined ? 'verified' : 'failed',
    ...(protocolVersion === undefined ? {} : { protocol_version: protocolVersion }),
    ...(serverInfo.name === undefined ? {} : { server_name: serverInfo.name }),
    ...(serverInfo.version === undefined ? {} : { server_version: serverInfo.version }),
    tool_count: tools.length,
    required_tools: requiredTools,
    ...(problem === undefined ? {} : { message: problem }),
  };
}
