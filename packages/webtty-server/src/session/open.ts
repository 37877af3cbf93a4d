import { limits, RstreamError } from '@rstream/protocol';
import { OpenCapability, SessionRole, type MessageOf, type SessionOptions } from '@rstream/protocol/webtty';
import { ownAccount } from '../account.ts';
import type { Caller } from '../caller.ts';
import { baseEnvironment } from '../environment.ts';
import { startExecution } from '../execution.ts';
import type { MessageLink } from '../message-link.ts';
import { planCommand, type CommandPlan } from '../plan.ts';
import { converse } from './conversation.ts';
import type { SessionHost } from './host.ts';
import type { Job } from './job.ts';
import type { SessionParts } from './parts.ts';
import { newSessionId, Session } from './session.ts';
import { typingApproval } from './typing.ts';
import { Viewer } from './viewer.ts';

export interface Opening {
  readonly link: MessageLink;
  readonly open: MessageOf<'open'>;
  readonly caller: Caller;
}

/** Starts what an open message asks for, and stays until its viewer got everything or left. */
export async function openSession(server: SessionHost, opening: Opening): Promise<void> {
  const { open, link } = opening;
  const session = await server.admit(async () => {
    const plan = await planCommand(open, deviceOf(server), { caller: opening.caller });
    const started = await startSession(server, opening, plan);
    server.table.add(started);
    return started;
  });
  if (session.parts.job !== undefined) {
    link.send(ackOf(session, open));
    session.open();
    // Nobody will ever give it input.
    session.stdin.end();
    return;
  }
  const viewer = new Viewer(link, session.viewed, {
    role: SessionRole.CONTROLLER,
    window: windowOf(open.capabilities, session),
    from: [0, 0],
    heartbeat: session.parts.plan.heartbeat,
    comesBack: session.parts.resumeMs !== undefined,
    onProgress: () => session.progress(),
  });
  const number = session.add(viewer);
  link.send(ackOf(session, open));
  session.open();
  const conversation = converse({
    link,
    session,
    viewer,
    number,
    mayType: typingApproval(server, { session, viewer, caller: opening.caller }),
  });
  await conversation;
}

function deviceOf(server: SessionHost) {
  const { policy, account: given, accounts, environment } = server.options;
  const account = given ?? ownAccount();
  return { policy: policy ?? {}, account, accounts, environment: baseEnvironment(environment ?? {}, account) };
}

async function startSession(server: SessionHost, { open, caller }: Opening, plan: CommandPlan): Promise<Session> {
  const asked = open.config?.session;
  const id = newSessionId();
  const facts = { id, plan, caller, label: asked?.label ?? '' };
  let session: Session | undefined;
  const observer = await server.options.observe?.({
    ...facts,
    end: () => session?.end('policy'),
    argv: plan.argv,
    cwd: plan.cwd,
    startedAt: new Date(),
    terminal: plan.terminal === undefined ? undefined : { size: plan.terminal.size, term: plan.env['TERM'] ?? '' },
    recordingAsked: asked?.record === true,
  });
  const job = asked?.detached === true ? await createJob(server, facts) : undefined;
  try {
    const execution = await startExecution(plan);
    const parts: SessionParts = {
      ...facts,
      execution,
      observer,
      job,
      resumeMs: job === undefined ? resumeMs(open.capabilities, asked) : undefined,
      onRecord: (record) => server.options.onRecord?.(record),
    };
    const started = new Session(parts);
    session = started;
    if (job !== undefined) void started.ended.then(() => keepJob(server, started));
    return started;
  } catch (error) {
    observer?.end({ code: null, signal: null });
    if (job !== undefined) {
      await job.finish();
      await server.jobs?.discard(id);
    }
    throw error;
  }
}

async function createJob(
  server: SessionHost,
  { id, plan, caller, label }: Pick<SessionParts, 'id' | 'plan' | 'caller' | 'label'>,
): Promise<Job> {
  if (plan.terminal !== undefined) throw new RstreamError('ERR_RSTREAM_COMMAND_UNSUPPORTED', 'A job has no terminal.');
  if (server.jobs === undefined) throw new RstreamError('ERR_RSTREAM_COMMAND_UNSUPPORTED', 'This device keeps no jobs.');
  const info = {
    id,
    label,
    argv: plan.argv,
    cwd: plan.cwd,
    terminal: false,
    detached: true,
    running: true,
    startedAtMs: Date.now(),
    signal: '',
    timedOut: false,
    cancelled: false,
    stdoutBytes: 0,
    stderrBytes: 0,
    stdoutKept: 0,
    stderrKept: 0,
    viewers: 0,
    shares: 0,
  };
  const running = server.table.all().filter((session) => session.parts.job !== undefined).length;
  return server.jobs.create({ version: 1, owner: caller.userId ?? '', info }, running);
}

/** From now on it is on the disk, where it outlives this process. */
async function keepJob(server: SessionHost, session: Session): Promise<void> {
  await server.jobs?.end({ version: 1, owner: session.parts.caller.userId ?? '', info: session.info() });
  session.forget();
}

/** Only a client that can come back is waited for. */
function resumeMs(capabilities: readonly number[], asked: SessionOptions | undefined): number | undefined {
  if (!capabilities.includes(OpenCapability.RESUME)) return undefined;
  const wanted = asked?.resumeMs ?? 0;
  return wanted === 0 ? limits.webtty.resumeWindow.default : Math.min(wanted, limits.webtty.maxResumeWindow.default);
}

/** Output that may be under way to a client; Infinity for one that gives no credit. */
export function windowOf(capabilities: readonly number[], session: Session): number {
  if (!capabilities.includes(OpenCapability.OUTPUT_CREDIT)) return Infinity;
  return session.parts.plan.terminal === undefined ? limits.webtty.commandWindow.default : limits.webtty.terminalWindow.default;
}

function ackOf(session: Session, open: MessageOf<'open'>): MessageOf<'ack'> {
  const { plan, id, resumeMs: waits, job } = session.parts;
  const window = windowOf(open.capabilities, session);
  const resumable = waits !== undefined || job !== undefined;
  const honoured: readonly (readonly [boolean, number])[] = [
    [plan.contract, OpenCapability.EXEC_CONTRACT],
    [window !== Infinity, OpenCapability.OUTPUT_CREDIT],
    [resumable, OpenCapability.RESUME],
  ];
  return {
    kind: 'ack',
    capabilities: honoured.flatMap(([is, capability]) => (is ? [capability] : [])),
    stdinWindow: plan.contract ? session.stdin.takeWindow() : 0,
    ...(window === Infinity ? {} : { outputWindow: window }),
    ...(resumable
      ? {
          session: {
            id,
            secret: session.secret,
            resumeMs: waits ?? 0,
            role: plan.readOnly ? SessionRole.VIEWER : SessionRole.CONTROLLER,
            stdinOffset: 0,
            stdoutOffset: 0,
            stderrOffset: 0,
            terminal: plan.terminal !== undefined,
            tenure: session.tenure,
          },
        }
      : {}),
  };
}
