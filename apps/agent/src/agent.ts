import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { readTokenFile } from '@rstream/config';
import { limits, productVersion, protocolVersion, RstreamError } from '@rstream/protocol';
import type { TunnelProperties } from '@rstream/protocol/tunnel';
import type { TunnelOpenHeader } from '@rstream/protocol/wire';
import { keepConnected, parseEngine, type Connection, type Listener } from '@rstream/tunnel-core';
import { canMakeTerminals, CommandServer, resolveAccounts, type Caller, type SessionRecordings } from '@rstream/webtty-server';
import { deviceLabels, readHostFacts } from './device-labels.ts';
import type { DeviceFiles } from './files/device-files.ts';
import { peekFirstByte } from './files/first-byte.ts';
import type { FileSettings } from './files/settings.ts';
import type { Logger } from './log.ts';
import { startRecordings } from './recordings/settings.ts';
import type { AgentSettings } from './settings.ts';
import { defaultStateDirectory } from './state-directory.ts';
import type { WebEndpoint } from './web/endpoint.ts';

/** What the agent's tunnel does. `stopped` is final; with an error it stopped because trying again cannot help. */
export interface AgentStatus {
  readonly state: 'connecting' | 'online' | 'offline' | 'stopped';
  readonly tunnelId?: string | undefined;
  /** Address for operators: `rstrm://name`, or that of the page when the device is published. */
  readonly forwarding?: string | undefined;
  readonly error?: RstreamError | undefined;
  /** Ms until the next attempt to connect. */
  readonly retryInMs?: number | undefined;
}

export interface StartAgentOptions extends AgentSettings {
  readonly logger: Logger;
  readonly onStatus?: ((status: AgentStatus) => void) | undefined;
  /** Environment of which commands inherit path, locale and time zone; default: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** An agent that serves, or keeps trying to. */
export interface RunningAgent {
  /** Settles at the first `online`; rejects when the agent stops before that. */
  readonly online: Promise<AgentStatus>;
  /** Settles when the agent has stopped: undefined after `stop`, else why. Never rejects. */
  readonly closed: Promise<RstreamError | undefined>;
  /** Takes no more commands, lets the running ones finish up to `shutdownTimeoutMs`, ends the rest, disconnects. */
  stop(): Promise<void>;
}

/**
 * Starts the device's side in this process: one tunnel whose every stream is a command or, with `publish` or files, an HTTP
 * connection. Resolves when the settings and the token file are sound; the connection is made, and made again, from then on.
 *
 * @throws RstreamError `ERR_RSTREAM_TOKEN_FILE_UNSAFE` and the other errors of the token file, `ERR_RSTREAM_ENGINE_INVALID`, `ERR_RSTREAM_LOGIN_USER`,
 * `ERR_RSTREAM_FS_ROOT` and `ERR_RSTREAM_FS_CONTAINMENT`.
 */
export async function startAgent(options: StartAgentOptions): Promise<RunningAgent> {
  const { logger } = options;
  const target = parseEngine(options.engine);
  await readTokenFile(options.tokenFile);
  const accounts = await resolveAccounts(options);
  const facts = await readHostFacts();
  const terminal = options.policy?.terminal === true && (await canMakeTerminals());
  if (options.policy?.terminal === true && !terminal) {
    logger.warn({ error: new RstreamError('ERR_RSTREAM_TERMINAL_MISSING') }, 'terminals are allowed but cannot be made');
  }
  const files = options.files === undefined ? undefined : await openFiles(options.files, logger);
  const recordings = await startRecordings(options.recording, logger);
  const commands = new CommandServer({
    observe: recordings?.observe,
    policy: options.policy,
    accounts,
    maxSessions: options.maxSessions,
    environment: options.environment ?? process.env,
    jobDirectory: join(options.stateDirectory ?? defaultStateDirectory(options.name, options.environment ?? process.env), 'jobs'),
    onRecord: (record) => logger.info({ audit: 'command', ...record }, 'command'),
  });
  const connection = keepConnected({
    engine: options.tlsCa === undefined ? target : { ...target, tls: { ca: options.tlsCa } },
    // Read for every attempt, so that a rotated token is used without a restart.
    token: () => readTokenFile(options.tokenFile),
    carrier: options.carrier,
    client: { agent: 'rstream-agent', version: productVersion, os: facts.os_family, arch: facts.arch, protocol_version: protocolVersion },
  });
  // What only browsers need stays unread until they may come.
  const web = options.publish === true || files !== undefined ? await makeWeb({ commands, files }, options) : undefined;
  const labels = deviceLabels(facts, options.labels, { terminal, executionMode: accounts.mode, files: modeOf(options.files) });
  const listener = connection.listen({ ...tunnelOf(options), labels }, (stream, header, accept) =>
    serveStream({ commands, web, files }, { stream, header, accept }),
  );
  return new Agent({ options, commands, files, recordings, web, connection, listener });
}

/** One tunnel for private dials and, when published, for browsers: the relay says for each stream which of them it is. */
function tunnelOf({ name, publish, hostname }: AgentSettings): TunnelProperties {
  if (publish !== true) return { name, type: 'bytestream', publish: false };
  return { name, type: 'bytestream', publish: true, protocol: 'http', token_auth: true, ...(hostname === undefined ? {} : { hostname }) };
}

async function makeWeb({ commands, files }: Pick<Parts, 'commands' | 'files'>, { allowedOrigins }: AgentSettings): Promise<WebEndpoint> {
  const { WebEndpoint } = await import('./web/endpoint.ts');
  return new WebEndpoint({ commands, allowedOrigins, mounts: files === undefined ? [] : [files] });
}

async function openFiles(settings: FileSettings, logger: Logger): Promise<DeviceFiles> {
  const { DeviceFiles } = await import('./files/device-files.ts');
  return new DeviceFiles(settings, logger);
}

/** What the inventory says of all roots together. */
function modeOf(files: FileSettings | undefined): 'read-only' | 'read-write' | undefined {
  if (files === undefined) return undefined;
  return files.roots.every((root) => root.readOnly ?? files.readOnly) ? 'read-only' : 'read-write';
}

interface Incoming {
  readonly stream: Duplex;
  readonly header: TunnelOpenHeader;
  readonly accept: () => void;
}

function serveStream(parts: Pick<Parts, 'commands' | 'web' | 'files'>, { stream, header, accept }: Incoming): void {
  const caller: Caller = {
    userId: header.user_id,
    credentialId: header.credential_id,
    sourceIp: header.source_ip,
    streamId: header.stream_id,
  };
  accept();
  if (header.via === 'dial') void serveDial(parts, stream, caller);
  else if (parts.web !== undefined) parts.web.accept(stream, caller);
  else stream.destroy();
}

/** A dialled stream carries the frames of a command, or, to a device that serves files, HTTP. */
async function serveDial(
  { commands, web, files }: Pick<Parts, 'commands' | 'web' | 'files'>,
  stream: Duplex,
  caller: Caller,
): Promise<void> {
  if (web === undefined || files === undefined) return commands.serve(stream, caller);
  const spoken = await peekFirstByte(stream, limits.webtty.firstByteTimeout.default);
  if (spoken === 'http') web.accept(stream, caller, { mountsOnly: true });
  else if (spoken === 'frames') await commands.serve(stream, caller);
  else stream.destroy();
}

interface Parts {
  readonly options: StartAgentOptions;
  readonly commands: CommandServer;
  readonly files: DeviceFiles | undefined;
  readonly recordings: SessionRecordings | undefined;
  /** Only when published, or with files. */
  readonly web: WebEndpoint | undefined;
  readonly connection: Connection;
  readonly listener: Listener;
}

/** The tunnel may be gone with its session; then there is nothing to give back. */
async function closeQuietly(listener: Listener): Promise<void> {
  try {
    await listener.close();
  } catch {
    // The session ended first.
  }
}

class Agent implements RunningAgent {
  readonly online: Promise<AgentStatus>;
  readonly closed: Promise<RstreamError | undefined>;
  readonly #parts: Parts;
  readonly #online = Promise.withResolvers<AgentStatus>();
  readonly #closed = Promise.withResolvers<RstreamError | undefined>();
  #stopping: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.online = this.#online.promise;
    this.online.catch(() => undefined);
    this.closed = this.#closed.promise;
    this.#watch();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop(undefined);
    return this.#stopping;
  }

  #watch(): void {
    const { connection, listener } = this.#parts;
    connection.on('status', ({ state, error, retryInMs }) => {
      if (state === 'connecting') this.#report({ state: 'connecting' });
      if (state === 'disconnected') this.#report({ state: 'offline', error, retryInMs });
    });
    connection.on('notice', (message) => this.#parts.options.logger.warn({ notice: message }, 'notice from the relay'));
    listener.on('status', ({ state, tunnel, forwarding, error }) => {
      if (state === 'offline') this.#report({ state: 'offline', error });
      if (state !== 'online') return;
      const status: AgentStatus = { state: 'online', tunnelId: tunnel?.id, forwarding };
      this.#report(status);
      this.#online.resolve(status);
    });
    // A tunnel that can never come back leaves nothing to do: another process took its name, or the credential is refused.
    void listener.closed.then((error) => {
      this.#stopping ??= this.#stop(error ?? new RstreamError('ERR_RSTREAM_AGENT_STOPPED'));
    });
  }

  async #stop(error: RstreamError | undefined): Promise<void> {
    const { options, commands, files, recordings, web, connection, listener } = this.#parts;
    web?.drain();
    await closeQuietly(listener);
    const filesClosed = files?.close();
    await commands.stop(options.shutdownTimeoutMs ?? limits.webtty.shutdownTimeout.default);
    await filesClosed;
    await web?.close();
    await recordings?.close();
    await connection.close();
    this.#report({ state: 'stopped', error });
    this.#online.reject(error ?? new RstreamError('ERR_RSTREAM_AGENT_STOPPED', 'The agent was stopped before it was online.'));
    this.#closed.resolve(error);
  }

  #report(status: AgentStatus): void {
    const { logger, onStatus } = this.#parts.options;
    const level = status.error === undefined ? 'info' : 'warn';
    logger[level]({ status: status.state, tunnel_id: status.tunnelId, error: status.error, retry_in_ms: status.retryInMs }, status.state);
    onStatus?.(status);
  }
}
