import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { configPath, loadConfig, resolveContext, tokenFacts, type ContextFlags, type ResolvedContext } from '@rstream/config';
import { RstreamError } from '@rstream/protocol';
import { connect, type CarrierTarget } from '@rstream/tunnel-core';
import { engineTarget } from '../operator/engine-target.ts';
import { clientDetails, openOperator } from '../operator/open.ts';
import type { Operator } from '../operator/operator.ts';
import { runCheck, summarize, type Check, type DoctorReport, type Finding } from './check.ts';

const DNS_TIMEOUT_MS = 5_000;
const PROBE_TIMEOUT_MS = 10_000;
const EXPIRES_SOON_S = 86_400;

/**
 * Looks at everything between this machine and the engine, from the file to a session. A check whose ground is missing is skipped.
 * Names as in the published command line.
 */
export async function examine(flags: ContextFlags, signal: AbortSignal): Promise<DoctorReport> {
  const checks: Check[] = [];
  const probe = async (
    name: string,
    look: (signal: AbortSignal) => Promise<Finding> | Finding,
    timeoutMs = PROBE_TIMEOUT_MS,
  ): Promise<boolean> => {
    const check = await runCheck(name, { signal, timeoutMs }, look);
    checks.push(check);
    return check.status === 'pass' || check.status === 'warn';
  };
  const skip = (names: readonly string[], message: string): DoctorReport => {
    for (const name of names) checks.push({ name, status: 'skip', message });
    return summarize(checks);
  };

  const afterContext = ['token', 'control_plane_auth', 'project', ...networkNames, ...engineNames];
  if (!(await probe('config', () => checkConfig(flags)))) return skip(['context', ...afterContext], 'The configuration cannot be read.');
  let context: ResolvedContext | undefined;
  const found = await probe('context', async () => {
    context = await resolveContext({ flags });
    return describeContext(context);
  });
  if (!found || context === undefined) return skip(afterContext, 'There is no context.');
  const chosen = context;
  const operator = openOperator(chosen);
  try {
    const hasToken = await probe('token', () => checkToken(chosen));
    await checkControlPlane(operator, { hasToken, probe, checks });
    let target: CarrierTarget | undefined;
    const reachable = await probe('engine_address', async () => {
      target = await engineTarget(chosen);
      return { message: `The engine is ${target.serverName}.`, details: { host: target.host, port: target.port, tls: isTls(target) } };
    });
    const known = target;
    if (!reachable || known === undefined) return skip([...networkNames.slice(1), ...engineNames], 'The engine is not known.');
    await probe('dns', () => checkDns(known), DNS_TIMEOUT_MS);
    if (isTls(known)) await probe('tls', (until) => checkTls(known, until));
    else checks.push({ name: 'tls', status: 'skip', message: 'The engine is reached without TLS.' });
    checks.push({ name: 'quic_transport', status: 'skip', message: 'This release connects over TCP.' });
    if (!hasToken) return skip(engineNames, 'There is no usable token.');
    await probe('engine_session', (until) => checkSession(chosen, known, until));
    await probe('engine_clients', (until) => countOf('clients', operator, until));
    await probe('engine_tunnels', (until) => countOf('tunnels', operator, until));
    return summarize(checks);
  } finally {
    await operator.close();
  }
}

const networkNames = ['engine_address', 'dns', 'tls', 'quic_transport'];
const engineNames = ['engine_session', 'engine_clients', 'engine_tunnels'];

const isTls = ({ tls }: CarrierTarget): boolean => tls !== undefined && tls !== false;

async function checkConfig(flags: ContextFlags): Promise<Finding> {
  const { path, exists, readableByOthers, config } = await loadConfig(configPath({ flag: flags.config }));
  const details = { path, contexts: config.contexts?.length ?? 0 };
  if (!exists) return { status: 'warn', message: `${path} does not exist yet.`, details };
  if (readableByOthers) return { status: 'warn', message: `Other users can read ${path}. Run: chmod 600 ${path}`, details };
  return { message: `${path} is valid.`, details };
}

function describeContext({ name, engine, apiUrl, tokenSource }: ResolvedContext): Finding {
  if (name === undefined && engine === undefined) throw new RstreamError('ERR_RSTREAM_CONTEXT_REQUIRED');
  const message = name === undefined ? 'The environment selects the engine.' : `Context "${name}" is selected.`;
  return { message, details: { name, engine, api_url: apiUrl, token_source: tokenSource } };
}

function checkToken(context: ResolvedContext): Finding {
  const { type, expiresAt } = tokenFacts(context.token);
  const details = {
    source: context.tokenSource,
    type,
    ...(expiresAt === undefined ? {} : { expires_at: new Date(expiresAt * 1000).toISOString() }),
  };
  const soon = expiresAt !== undefined && expiresAt - Date.now() / 1000 < EXPIRES_SOON_S;
  return {
    status: soon ? 'warn' : 'pass',
    message: soon ? 'The token expires within a day.' : 'There is a token and it has not expired.',
    details,
  };
}

interface Probing {
  readonly hasToken: boolean;
  readonly checks: Check[];
  readonly probe: (name: string, look: (signal: AbortSignal) => Promise<Finding>) => Promise<boolean>;
}

async function checkControlPlane(operator: Operator, { hasToken, probe, checks }: Probing): Promise<void> {
  const control = operator.control();
  const { projectEndpoint } = operator.context;
  if (control === undefined || !hasToken) {
    const message = control === undefined ? 'The context has no control plane.' : 'There is no usable token.';
    for (const name of ['control_plane_auth', 'project']) checks.push({ name, status: 'skip', message });
    return;
  }
  await probe('control_plane_auth', async (signal) => {
    const { role } = await control.whoami({ signal });
    return { message: 'The control plane knows the token.', details: { role } };
  });
  if (projectEndpoint === undefined) {
    checks.push({ name: 'project', status: 'skip', message: 'The context names no project.' });
    return;
  }
  await probe('project', async (signal) => {
    const { name, status, plan } = await control.projects.resolve(projectEndpoint, { signal });
    return { status: status === 'active' ? 'pass' : 'fail', message: `The project "${name}" is ${status}.`, details: { plan } };
  });
}

async function checkDns({ host, serverName }: CarrierTarget): Promise<Finding> {
  if (isIP(host) !== 0) return { message: `${serverName} is reached at ${host}.`, details: { addresses: [host] } };
  try {
    const addresses = (await lookup(host, { all: true })).map(({ address }) => address);
    return { message: `${host} is ${addresses[0] ?? 'unknown'}.`, details: { addresses } };
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_CONNECT_FAILED', `The name ${host} cannot be resolved.`, { cause });
  }
}

async function checkTls({ host, port, serverName, tls }: CarrierTarget, signal: AbortSignal): Promise<Finding> {
  const settings = typeof tls === 'object' ? { ...tls, ca: tls.ca === undefined ? undefined : [tls.ca].flat() } : {};
  const name = serverName.split(':')[0] ?? '';
  const socket = connectTls({ host, port, ...(isIP(name) === 0 ? { servername: name } : {}), ...settings });
  try {
    await once(socket, 'secureConnect', { signal });
    return { message: `${socket.getProtocol() ?? 'TLS'} with a certificate that is valid until ${socket.getPeerCertificate().valid_to}.` };
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_CONNECT_FAILED', `TLS with ${serverName} failed: ${(cause as Error).message}`, { cause });
  } finally {
    socket.destroy();
  }
}

async function checkSession(context: ResolvedContext, engine: CarrierTarget, signal: AbortSignal): Promise<Finding> {
  const session = await connect({ engine, token: () => context.token, client: clientDetails('rstream-doctor'), signal });
  try {
    const rtt = await session.ping(signal);
    const { agent, version, protocol_version } = session.server;
    return { message: 'A session with the relay works.', details: { agent, version, protocol_version, rtt_ms: Math.round(rtt * 10) / 10 } };
  } finally {
    await session.close();
  }
}

async function countOf(what: 'clients' | 'tunnels', operator: Operator, signal: AbortSignal): Promise<Finding> {
  const engine = await operator.engine();
  const { length } = await engine[what].list(undefined, { signal });
  return { message: `The engine lists ${length} ${what}.`, details: { count: length } };
}
