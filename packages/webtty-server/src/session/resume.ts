import { limits, RstreamError } from '@rstream/protocol';
import { OpenCapability, SessionRole, type MessageOf } from '@rstream/protocol/webtty';
import type { Caller } from '../caller.ts';
import type { MessageLink } from '../message-link.ts';
import { auditedCommand, callerFields } from '../record.ts';
import { usableSize } from '../terminal/terminal-plan.ts';
import { converse } from './conversation.ts';
import type { ServeOptions, SessionHost } from './host.ts';
import { JobReader, type ReadableJob } from './job-reader.ts';
import { windowOf } from './open.ts';
import type { Session } from './session.ts';
import { typingApproval } from './typing.ts';
import { Viewer } from './viewer.ts';

export interface Resuming {
  readonly link: MessageLink;
  readonly resume: MessageOf<'resume'>;
  readonly caller: Caller;
  readonly options: ServeOptions;
}

/** Who may look at a session, and as what. */
interface Admission {
  readonly role: SessionRole;
  /** It is a client that had control, back on a new connection. */
  readonly returning: boolean;
  readonly shareId?: string | undefined;
}

/** Continues a session on a new connection, or looks at one, and stays until its viewer got everything or left. */
export async function resumeSession(server: SessionHost, resuming: Resuming): Promise<void> {
  const { resume, caller, options } = resuming;
  const session = server.table.get(resume.sessionId);
  if (session === undefined || session.parts.job !== undefined) {
    if (options.only === 'share') throw new RstreamError('ERR_RSTREAM_SESSION_NOT_FOUND');
    return readJob(server, resuming, session);
  }
  const admission = admit(session, resuming);
  if (!admission.returning && session.viewerCount >= limits.webtty.maxViewers.default) {
    throw new RstreamError('ERR_RSTREAM_DEVICE_BUSY', `The session has ${session.viewerCount} viewers, its limit.`);
  }
  const startedAt = performance.now();
  await view(server, session, { resuming, admission });
  // The opener's connections are part of its session, which has a record of its own.
  if (admission.returning) return;
  server.options.onRecord?.({
    ...callerFields(caller),
    session_id: session.parts.id,
    command: auditedCommand(session.parts.plan.argv),
    ...(admission.shareId === undefined ? {} : { share_id: admission.shareId }),
    decision: 'viewed',
    exit_code: null,
    signal: null,
    duration_ms: Math.round(performance.now() - startedAt),
    stdin_bytes: 0,
    stdout_bytes: 0,
    stderr_bytes: 0,
  });
}

/** A secret decides by itself; without one, it must be the caller's own terminal. Every refusal says the same. */
function admit(session: Session, { resume, caller, options }: Resuming): Admission {
  const refused = new RstreamError('ERR_RSTREAM_SESSION_NOT_FOUND');
  const { secret, role } = resume;
  const shareId = secret === undefined ? undefined : session.shares.find(secret);
  if (shareId !== undefined) {
    if (options.shareId !== undefined && options.shareId !== shareId) throw refused;
    return { role: SessionRole.SPECTATOR, returning: false, shareId };
  }
  if (options.only === 'share') throw refused;
  if (secret !== undefined) {
    if (!session.hasSecret(secret)) throw refused;
    return { role: SessionRole.CONTROLLER, returning: true };
  }
  if (!session.isOwner(caller) || session.parts.plan.terminal === undefined) throw refused;
  if (role === SessionRole.SPECTATOR) return { role, returning: false };
  const had = resume.tenure !== 0 && resume.tenure === session.tenure;
  if (had) return { role: SessionRole.CONTROLLER, returning: true };
  const free = session.controller === undefined && role === SessionRole.CONTROLLER;
  return { role: free ? SessionRole.CONTROLLER : SessionRole.VIEWER, returning: false };
}

interface Viewing {
  readonly resuming: Resuming;
  readonly admission: Admission;
}

async function view(server: SessionHost, session: Session, { resuming, admission }: Viewing): Promise<void> {
  const { link, resume, caller } = resuming;
  const { role, returning, shareId } = admission;
  if (returning) session.replaceController();
  const viewer = new Viewer(link, session.viewed, {
    role,
    shareId,
    window: windowOf(resume.capabilities, session),
    from: placeOf(session, resume),
    unacknowledged: [resume.stdoutUnconsumed, resume.stderrUnconsumed],
    scrollback: resume.scrollback,
    heartbeat: resume.heartbeat,
    comesBack: true,
    onProgress: () => session.progress(),
  });
  const number = session.add(viewer, { continues: returning && resume.tenure === session.tenure });
  link.send(ackOf(session, resume, viewer));
  const size = resume.terminalSize === undefined ? undefined : usableSize(resume.terminalSize);
  if (size !== undefined && role === SessionRole.CONTROLLER) session.resize(size);
  const conversation = converse({ link, session, viewer, number, mayType: typingApproval(server, { session, viewer, caller }) });
  viewer.flush();
  session.progress();
  await conversation;
}

/** Where the output continues; undefined when it has to begin with the whole screen. */
function placeOf(session: Session, { stdoutOffset, stderrOffset }: MessageOf<'resume'>): readonly [number, number] | undefined {
  const from = stdoutOffset === undefined ? undefined : ([stdoutOffset, stderrOffset ?? 0] as const);
  if (from !== undefined && session.canContinue(from)) return from;
  if (session.parts.plan.terminal !== undefined) return undefined;
  throw new RstreamError('ERR_RSTREAM_SESSION_ENDED', 'The output that you have not got is not kept any more.');
}

function ackOf(session: Session, resume: MessageOf<'resume'>, viewer: Viewer): MessageOf<'ack'> {
  const { plan, id, resumeMs } = session.parts;
  const window = windowOf(resume.capabilities, session);
  const controls = viewer.role === SessionRole.CONTROLLER;
  const [stdoutOffset, stderrOffset] = placeOf(session, resume) ?? session.offsets;
  return {
    kind: 'ack',
    capabilities: [OpenCapability.EXEC_CONTRACT, OpenCapability.RESUME, ...(viewer.canCredit ? [OpenCapability.OUTPUT_CREDIT] : [])],
    stdinWindow: controls ? session.stdin.takeWindow() : 0,
    ...(window === Infinity ? {} : { outputWindow: window }),
    session: {
      id,
      resumeMs: resumeMs ?? limits.webtty.resumeWindow.default,
      role: plan.readOnly && controls ? SessionRole.VIEWER : viewer.role,
      stdinOffset: controls ? session.inputOffset : 0,
      stdoutOffset,
      stderrOffset,
      terminal: plan.terminal !== undefined,
      tenure: session.tenure,
    },
  };
}

/** Jobs are read from the disk, by who started them. */
async function readJob(server: SessionHost, { link, resume, caller }: Resuming, session: Session | undefined): Promise<void> {
  const job = session === undefined ? await keptJob(server, resume.sessionId, caller) : runningJob(session, caller);
  if (job === undefined) throw new RstreamError('ERR_RSTREAM_SESSION_NOT_FOUND');
  const from = [resume.stdoutOffset ?? 0, resume.stderrOffset ?? 0] as const;
  const credits = resume.capabilities.includes(OpenCapability.OUTPUT_CREDIT);
  const window = credits ? limits.webtty.commandWindow.default : Infinity;
  const [stdoutOffset, stderrOffset] = from;
  link.send({
    kind: 'ack',
    capabilities: [OpenCapability.EXEC_CONTRACT, OpenCapability.RESUME, ...(credits ? [OpenCapability.OUTPUT_CREDIT] : [])],
    stdinWindow: 0,
    ...(credits ? { outputWindow: window } : {}),
    session: {
      id: resume.sessionId,
      resumeMs: limits.webtty.maxResumeWindow.default,
      role: SessionRole.VIEWER,
      stdinOffset: 0,
      stdoutOffset,
      stderrOffset,
      terminal: false,
      tenure: 0,
    },
  });
  await new JobReader(link, job, {
    from,
    unacknowledged: [resume.stdoutUnconsumed, resume.stderrUnconsumed],
    window,
    heartbeat: resume.heartbeat,
  }).run();
}

function runningJob(session: Session, caller: Caller): ReadableJob | undefined {
  const { job } = session.parts;
  if (job === undefined || !session.isOwner(caller)) return undefined;
  return {
    folder: job.folder,
    info: () => session.info(),
    kept: (stream) => job.kept(stream),
    onChange: (listener) => {
      const stop = job.onChange(listener);
      void session.ended.then(listener);
      return stop;
    },
    cancel: () => session.end('cancel'),
  };
}

async function keptJob(server: SessionHost, id: string, caller: Caller): Promise<ReadableJob | undefined> {
  const kept = await server.jobs?.find(id, caller.userId ?? '');
  if (kept === undefined) return undefined;
  return {
    folder: kept.folder,
    info: () => kept.info,
    kept: (stream) => (stream === 0 ? kept.info.stdoutKept : kept.info.stderrKept),
    onChange: () => () => undefined,
    cancel: () => undefined,
  };
}
