import type { Socket } from 'node:net';
import { parseHostedConfig } from './config/load.ts';
import { checkExposure } from './config/exposure.ts';
import type { HostedConfig, HostedConfigInput } from './config/schema.ts';
import { openPublicListener } from './listen/public-listener.ts';
import { createLogger, flushLog, type Logger } from './log.ts';
import { createMetrics, openMetrics } from './metrics.ts';
import { addressesOf } from './addresses.ts';
import { createPublicSide } from './public-side.ts';
import { claimDataDirectory, type DataDirectory, openDataDirectory } from './state/data-directory.ts';
import type { Foundation } from './state/first-start.ts';
import { removeReadyFile, writeReadyFile } from './state/ready-file.ts';
import { openState } from './state/state.ts';

export interface StartOptions {
  /** Default: JSON lines on standard error at the configured level. */
  readonly logger?: Logger;
  /** True when nobody chose the metrics address: a free port is taken when it is in use. */
  readonly metricsPortIsDefault?: boolean;
}

/** A hosted process that listens. */
export interface RunningHosted {
  readonly apiUrl: string;
  /** Engine of the first project, `HOST:PORT`. */
  readonly engine: string;
  readonly port: number;
  readonly metricsUrl: string | undefined;
  readonly directory: DataDirectory;
  readonly foundation: Foundation;
  /** Stops admitting, lets running streams finish up to the deadline, and releases everything. A second call waits for the first. */
  stop(options?: { readonly drainTimeoutMs?: number }): Promise<void>;
}

/**
 * Starts the public side in this process. Port 0 and a temporary directory are fine; nothing outside `dataDir` is written.
 * Rejects with a coded error, leaving nothing behind, when a setting, the directory or a listener is refused.
 */
export async function startHosted(input: HostedConfigInput, options: StartOptions = {}): Promise<RunningHosted> {
  const config = parseHostedConfig(input);
  checkExposure(config);
  const closers: Closer[] = [];
  try {
    return await boot(config, { ...options, logger: options.logger ?? createLogger(config.logLevel) }, closers);
  } catch (error) {
    await closeInReverse(closers);
    throw error;
  }
}

type Closer = () => void | Promise<void>;

async function closeInReverse(closers: Closer[]): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** The boot story. What is opened is pushed to `closers` at once, so that a failure and a stop close the same things. */
async function boot(config: HostedConfig, options: StartOptions & { readonly logger: Logger }, closers: Closer[]): Promise<RunningHosted> {
  const { logger } = options;
  const directory = openDataDirectory(config.dataDir);
  closers.push(claimDataDirectory(directory));
  removeReadyFile(directory);

  const state = await openState(directory, logger);
  closers.push(() => state.close());

  const metrics = createMetrics();
  const metricsListener = await openMetrics(metrics, config.metrics.listen, options.metricsPortIsDefault === true);
  if (metricsListener !== undefined) closers.push(() => metricsListener.close());

  // The addresses that the public side speaks of hold the real port, so the listener opens first. Both happen in one turn of the
  // event loop, so no connection comes in between.
  let onConnection = (socket: Socket): void => void socket.destroy();
  const listener = await openPublicListener({ config, logger, onConnection: (socket) => onConnection(socket) });
  closers.push(() => listener.stop());

  const addresses = addressesOf(config, listener.port);
  const publicSide = createPublicSide({ config, addresses, state, logger, metrics });
  closers.push(() => publicSide.close());
  onConnection = publicSide.handleConnection;

  const { foundation } = state;
  const running = {
    apiUrl: `${addresses.scheme}://${addresses.authority}`,
    engine: `${foundation.project.endpoint}.${addresses.baseName}:${addresses.port}`,
    port: listener.port,
    metricsUrl: metricsListener?.url,
    directory,
    foundation,
  };
  writeReadyFile(directory, {
    apiUrl: running.apiUrl,
    engine: running.engine,
    project: foundation.project.endpoint,
    ownerTokenFile: directory.ownerToken,
    ...(running.metricsUrl === undefined ? {} : { metricsUrl: running.metricsUrl }),
    pid: process.pid,
  });
  logger.info({ apiUrl: running.apiUrl, engine: running.engine, metricsUrl: running.metricsUrl }, 'listening');

  let stopping: Promise<void> | undefined;
  const stop = async (drainTimeoutMs: number): Promise<void> => {
    logger.info({ drainTimeoutMs }, 'draining');
    removeReadyFile(directory);
    listener.stop();
    await publicSide.drain(drainTimeoutMs);
    await closeInReverse(closers);
    logger.info({}, 'stopped');
    await flushLog(logger);
  };
  return {
    ...running,
    stop: ({ drainTimeoutMs = config.drainTimeout } = {}) => (stopping ??= stop(drainTimeoutMs)),
  };
}
