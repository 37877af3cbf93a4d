import { setFlagsFromString } from 'node:v8';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import type { RunningHosted } from '../hosted.ts';

interface ServeFlags {
  readonly listen?: string;
  readonly baseHost?: string;
  readonly dataDir?: string;
  readonly metricsListen?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
  readonly trustedProxy?: string[];
  readonly drainTimeout?: string;
  readonly logLevel?: string;
  readonly config?: string;
  readonly check?: boolean;
}

const collect = (value: string, all: string[] = []): string[] => [...all, value];

export const serveCommand = (): Command =>
  new Command('serve')
    .description('Serve tunnels, engines and the control plane on one port.')
    .option('--listen <host:port>', 'address of the public listener; port 0 takes a free one (default 127.0.0.1:8080)')
    .option('--base-host <name[:port]>', 'public name; projects and tunnels are names below it (default rstream.localhost)')
    .option('--data-dir <dir>', 'database, owner token and ready.json (default ./rstream-data)')
    .option('--metrics-listen <host:port>', 'Prometheus listener, or "off" (default 127.0.0.1:9464)')
    .option('--tls-cert <file>', 'PEM certificate chain; reloaded when it changes')
    .option('--tls-key <file>', 'PEM private key of the certificate')
    .option('--insecure', 'allow clear text on an address that other machines can reach')
    .option('--trusted-proxy <cidr>', 'network of the proxies that add TLS; may be repeated', collect)
    .option('--drain-timeout <duration>', 'time for running streams when stopping (default 10s)')
    .addOption(new Option('--log-level <level>', 'fatal, error, warn, info, debug, trace or silent (default info)'))
    .option('--config <file>', 'YAML file with the same settings')
    .option('--check', 'validate, print the settings in effect, and exit')
    .action(serve);

async function serve(flags: ServeFlags): Promise<void> {
  const { loadHostedConfig } = await import('../config/load.ts');
  const { config, isChosen } = loadHostedConfig({ flags: settingsOf(flags), env: process.env, file: flags.config });
  if (flags.check === true) {
    const { checkHostedConfig } = await import('../config/check.ts');
    checkHostedConfig(config);
    process.stdout.write(stringify(config));
    return;
  }
  // Before the start: ready.json invites scripts to send signals.
  const signalled = stopSignal();
  const { startHosted } = await import('../hosted.ts');
  const running = await startHosted(config, { metricsPortIsDefault: !isChosen('metrics.listen') });
  process.stdout.write(running.foundation.isNew ? welcome(running) : `Listening: ${running.apiUrl}, engine ${running.engine}\n`);
  keepYoungGeneration();
  await signalled;
  await running.stop();
  process.exit(0);
}

const settingsOf = (flags: ServeFlags) => ({
  listen: flags.listen,
  baseHost: flags.baseHost,
  dataDir: flags.dataDir,
  metrics: { listen: flags.metricsListen },
  tls: { cert: flags.tlsCert, key: flags.tlsKey },
  insecure: flags.insecure,
  trustedProxies: flags.trustedProxy,
  drainTimeout: flags.drainTimeout,
  logLevel: flags.logLevel,
});

/**
 * Lets V8 keep its young generation at what the start needed (a few MB). Thousands of sessions that open at once would grow it to over 100 MB,
 * most of the memory of an idle relay, and no more requests are served with it.
 */
function keepYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Resolves with the first SIGTERM or SIGINT; the second one means "now". */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = (): void => {
      signals += 1;
      if (signals > 1) process.exit(1);
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

function welcome(running: RunningHosted): string {
  const { apiUrl, directory, foundation } = running;
  const data = quote(directory.path);
  // Clients take HOST:PORT for clear text unless the port is 443.
  const engine = apiUrl.startsWith('https:') ? `https://${running.engine}` : running.engine;
  return `rstream-hosted is ready at ${apiUrl}

The owner's token is in ${directory.ownerToken}; keep it on your workstation. Next:

  # 1. let the CLI know this engine
  rstream context create local --engine ${engine} --token-file ${quote(directory.ownerToken)} --no-api-url --default

  # 2. publish a local web service
  rstream forward 3000

  # 3. make a machine reachable, with a token of its own
  rstream-hosted token create --data-dir ${data} --project ${foundation.project.endpoint} --permission tunnels.tunnels.create-delete --name my-device --out my-device.token
  rstream-agent run --engine ${engine} --token-file my-device.token --name my-device

`;
}

/** A path as one word of a shell. */
const quote = (path: string): string => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`);
