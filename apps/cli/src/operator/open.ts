import { arch, platform } from 'node:os';
import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { ResolvedContext } from '@rstream/config';
import { createEngineClient } from '@rstream/control-client';
import { RstreamError, productVersion, protocolVersion } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import type { ClientDetails } from '@rstream/protocol/tunnel';
import { connect } from '@rstream/tunnel-core';
import { collect, filterWebttyServers, findWebttyServer, parseWebttyServers } from '@rstream/webtty-client';
import type { Logger } from '../log.ts';
import { duplexTransport, type DuplexTransport } from './duplex-transport.ts';
import { contextControl, engineTarget, engineUrl } from './engine-target.ts';
import { createNodeFetch, tlsSettings } from './node-fetch.ts';
import type { DialOptions, Operator } from './operator.ts';
import { SessionPool } from './session-pool.ts';
import { parseTarget } from './target.ts';

export interface OperatorOptions {
  /** How the relay's client list names this process. Default `rstream-cli`. */
  readonly agent?: string;
  /** Default: no log. */
  readonly logger?: Logger;
  /** Milliseconds without a stream after which the session is closed; default `config.sessionIdle`. */
  readonly idleMs?: number;
}

/** What this program says of itself to the relay. */
export function clientDetails(agent = 'rstream-cli'): ClientDetails {
  return { agent, channel: 'cli', version: productVersion, os: platform(), arch: arch(), protocol_version: protocolVersion };
}

/** An operator for a context. Nothing is connected until something is asked for. */
export function openOperator(
  context: ResolvedContext,
  { agent, logger, idleMs = limits.config.sessionIdle.default }: OperatorOptions = {},
): Operator {
  const http = once(() => createNodeFetch(tlsSettings(context.transport)));
  const token = (): string => context.token;
  const control = once(() => contextControl(context, http()));
  const target = onceUnlessFailed(() => engineTarget(context));
  const engine = onceUnlessFailed(async () => createEngineClient({ engineUrl: engineUrl(await target()), token, fetch: http().fetch }));
  const instanceId = randomUUID();
  const pool = new SessionPool({
    async connect(signal) {
      const engine = await target();
      const session = await connect({ engine, token, client: clientDetails(agent), instanceId, signal });
      logger?.info('session opened', { engine: engine.serverName, client_id: session.clientId, project: session.project });
      session.on('notice', (message) => logger?.warn(message));
      void session.closed.then((error) => logger?.info('session closed', { code: error?.code }));
      return session;
    },
    idleMs,
  });

  const listWebtty: Operator['listWebtty'] = async (filter, signal) => {
    const tunnels = await (await engine()).tunnels.list(undefined, signal === undefined ? {} : { signal });
    return filterWebttyServers(parseWebttyServers(tunnels), { filter });
  };
  /** A device may be called by its server name or id, which only the inventory knows; the relay knows names and ids of tunnels. */
  const dialDevice = async (name: string, options: DialOptions): Promise<Duplex> => {
    try {
      return await pool.dial(name, options);
    } catch (error) {
      if (!RstreamError.is(error) || error.code !== 'TUNNEL_NOT_FOUND') throw error;
      const known = await listWebtty(undefined, options.signal)
        .then((servers) => findWebttyServer(servers, name))
        .catch(() => undefined);
      if (known === undefined || known.tunnel_id === name) throw error;
      return pool.dial(known.tunnel_id, options);
    }
  };

  const transports = new Set<DuplexTransport>();
  return {
    context,
    engine,
    control,
    async dial(url, options = {}) {
      const { name, path } = parseTarget(url);
      return pool.dial(name, { ...(path === undefined ? {} : { path }), ...options });
    },
    async openDevice(url, signal) {
      const { name, path } = parseTarget(url);
      return dialDevice(name, { ...(path === undefined ? {} : { path }), ...(signal === undefined ? {} : { signal }) });
    },
    async dialDevice(url, signal) {
      const transport = duplexTransport(await this.openDevice(url, signal));
      transports.add(transport);
      void transport.closed.then(() => transports.delete(transport));
      return transport;
    },
    async exec(url, argv, options = {}, signal) {
      const transport = await this.dialDevice(url, signal);
      const { env, workdir, username, timeoutMs, stdin, maxOutputBytes } = options;
      return collect(transport, { argv, env, cwd: workdir, user: username, timeoutMs }, { url, signal, input: stdin, maxOutputBytes });
    },
    listWebtty,
    async mintToken(request, signal) {
      const call = signal === undefined ? {} : { signal };
      const issuer = control() ?? (await engine());
      return issuer.tokens.create(request, call);
    },
    async close() {
      await Promise.all([...transports].filter(({ isClosing }) => isClosing).map(({ closed }) => closed));
      await pool.close();
      http().close();
    },
  };
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** A failed attempt is not remembered: the next caller tries again. */
function onceUnlessFailed<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
