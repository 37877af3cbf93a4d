import type { RstreamError } from '@rstream/protocol';
import { startAgent, type AgentStatus } from './agent.ts';
import { createLogger } from './log.ts';
import { ReadyFile } from './ready-file.ts';
import { loadSettings, type Flags } from './settings.ts';

/** Writes one line to standard output. */
type Print = (line: string) => void;

/** Runs the agent until a signal or a final refusal; resolves with the reason of the latter. */
export async function run(flags: Flags, output: 'text' | 'json', print: Print): Promise<RstreamError | undefined> {
  const settings = await loadSettings(flags);
  const logger = createLogger(settings.logLevel);
  const ready = settings.readyFile === undefined ? undefined : new ReadyFile(settings.readyFile);
  const agent = await startAgent({
    ...settings,
    logger,
    onStatus: (status) => {
      const line = output === 'json' ? statusJson(status, settings.name) : statusText(status, settings.name);
      if (line !== undefined) print(line);
      ready?.update(status, settings.name);
    },
  });
  const stop = (): void => void agent.stop();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  const error = await agent.closed;
  process.off('SIGTERM', stop);
  process.off('SIGINT', stop);
  await ready?.remove();
  return error;
}

function statusJson(status: AgentStatus, name: string): string {
  const { state, tunnelId, forwarding, error, retryInMs } = status;
  const facts = { tunnel_id: tunnelId, forwarding, error: error?.toJSON(), retry_in_ms: retryInMs };
  return JSON.stringify({ type: 'status', state, name, at: new Date().toISOString(), ...facts });
}

function statusText({ state, forwarding, error, retryInMs }: AgentStatus, name: string): string | undefined {
  if (state === 'connecting') return undefined;
  if (state === 'online') return `online   ${name} at ${forwarding ?? `rstrm://${name}`}`;
  if (state === 'stopped') return 'stopped';
  return `offline  ${error?.message ?? 'disconnected'}${retryInMs === undefined ? '' : ` (next attempt in ${retryInMs} ms)`}`;
}
