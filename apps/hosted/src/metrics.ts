import { createServer } from 'node:http';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { RelayMetrics, RelayStats } from '@rstream/relay';
import { formatAddress, type ListenAddress, parseListenAddress } from './config/address.ts';
import { RstreamError } from '@rstream/protocol';
import { listen } from './listen/listen.ts';

export interface Metrics {
  readonly relay: RelayMetrics;
  /** An answer of the REST API. */
  readonly apiAnswer: (status: number) => void;
  /** Gauges are read from here when Prometheus asks. */
  observe(stats: () => RelayStats): void;
  text(): Promise<string>;
  readonly contentType: string;
}

/** The counters of one process, in a registry of its own. */
export function createMetrics(): Metrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const counter = <Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter<Label>({ name: `rstream_${name}`, help, labelNames: [...labelNames], registers });

  const sessionsOpened = counter('sessions_opened_total', 'Client sessions that were admitted.');
  const sessionsClosed = counter('sessions_closed_total', 'Client sessions that ended, by code.', ['code']);
  const tunnelsOpened = counter('tunnels_opened_total', 'Tunnels that were opened.');
  const tunnelsClosed = counter('tunnels_closed_total', 'Tunnels that were closed, by code.', ['code']);
  const connections = counter('edge_connections_total', 'Public connections that were accepted.');
  const requests = counter('edge_requests_total', 'Requests that were forwarded to a device.');
  const responses = counter('edge_responses_total', 'Answers of services, by class of their status.', ['status']);
  const refused = counter('edge_refused_total', 'Requests that the relay answered itself, by code.', ['code']);
  const dials = counter('dials_total', 'Private dials, by code.', ['code']);
  const answers = counter('api_answers_total', 'Answers of the REST API, by status.', ['status']);
  return {
    relay: {
      sessionOpened: () => sessionsOpened.inc(),
      sessionClosed: (code) => sessionsClosed.inc({ code }),
      tunnelOpened: () => tunnelsOpened.inc(),
      tunnelClosed: (code) => tunnelsClosed.inc({ code }),
      edgeConnectionOpened: () => connections.inc(),
      edgeConnectionClosed: () => undefined,
      edgeRequest: () => requests.inc(),
      edgeResponse: (status) => responses.inc({ status: `${Math.floor(status / 100)}xx` }),
      edgeRefused: (code) => refused.inc({ code }),
      dial: (code) => dials.inc({ code }),
    },
    apiAnswer: (status) => answers.inc({ status: String(status) }),
    observe: (stats) => addGauges(registers, stats),
    text: () => register.metrics(),
    contentType: register.contentType,
  };
}

function addGauges(registers: Registry[], stats: () => RelayStats): void {
  const gauge = (name: string, help: string, read: (stats: RelayStats) => number) =>
    new Gauge({
      name: `rstream_${name}`,
      help,
      registers,
      collect() {
        this.set(read(stats()));
      },
    });
  gauge('clients', 'Connected clients.', ({ clients }) => clients);
  gauge('tunnels', 'Live tunnels.', ({ tunnels }) => tunnels);
  gauge('edge_connections', 'Open public connections.', ({ edgeConnections }) => edgeConnections);
}

export interface MetricsListener {
  readonly url: string;
  close(): void;
}

/**
 * Serves `/metrics` on a listener of its own, so that it is never reachable through the public port. An address that nobody
 * chose gives way to a free port when it is taken: two processes on one machine need no setting.
 */
export async function openMetrics(metrics: Metrics, address: string, isDefault: boolean): Promise<MetricsListener | undefined> {
  if (address === 'off') return undefined;
  const wanted = parseListenAddress(address);
  try {
    return await serveMetrics(metrics, wanted);
  } catch (error) {
    if (!isDefault || !RstreamError.is(error)) throw error;
    return await serveMetrics(metrics, { ...wanted, port: 0 });
  }
}

async function serveMetrics(metrics: Metrics, address: ListenAddress): Promise<MetricsListener> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  const bound = await listen(server, address);
  server.on('error', () => undefined);
  return {
    url: `http://${formatAddress({ host: bound.host === '::' ? 'localhost' : bound.host, port: bound.port })}/metrics`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
