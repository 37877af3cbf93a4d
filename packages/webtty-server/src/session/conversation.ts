import { constants } from 'node:os';
import { RstreamError, toRstreamError } from '@rstream/protocol';
import { ControlAction, DataType, SessionRole, type Message, type MessageOf } from '@rstream/protocol/webtty';
import type { MessageLink } from '../message-link.ts';
import { usableSize } from '../terminal/terminal-plan.ts';
import type { Session } from './session.ts';
import type { Viewer } from './viewer.ts';

export interface ConversationParts {
  readonly link: MessageLink;
  readonly session: Session;
  readonly viewer: Viewer;
  /** Number of the viewer in its session. */
  readonly number: number;
  /** Settles whether the controller may type; asked once for each viewer, at its first input. */
  readonly mayType: () => Promise<boolean>;
}

/**
 * Carries out what one viewer says, as far as its role allows, until it got everything or left. What it may not do is ignored, as a
 * spectator's keys are.
 */
export function converse(parts: ConversationParts): Promise<void> {
  new Conversation(parts).listen();
  return parts.viewer.done;
}

class Conversation {
  readonly #parts: ConversationParts;
  /** Input waits here while somebody decides whether it may be given. */
  #typing: 'unasked' | 'asked' | 'allowed' | 'refused' = 'unasked';
  readonly #held: MessageOf<'data'>[] = [];

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  listen(): void {
    this.#parts.link.listen({
      onMessage: (message) => this.#receive(message),
      onGone: (error) => this.#lose(error),
    });
  }

  #receive(message: Message): void {
    if (this.#parts.viewer.isOver) return;
    try {
      this.#handle(message);
    } catch (error) {
      this.#lose(toRstreamError(error, 'ERR_RSTREAM_WEBTTY_PROTOCOL'));
    }
  }

  #lose(error?: RstreamError): void {
    const { link, session, viewer } = this.#parts;
    if (error !== undefined && !viewer.isOver) link.send({ kind: 'error', msg: error.message, reason: 0 });
    session.lose(viewer, error !== undefined);
  }

  get #controls(): boolean {
    return this.#parts.viewer.role === SessionRole.CONTROLLER;
  }

  #handle(message: Message): void {
    const { link, session, viewer } = this.#parts;
    switch (message.kind) {
      case 'data':
        if (message.type !== DataType.STDIN || message.encryptedData !== undefined) throw protocolError('The client sent output.');
        if (this.#controls && !session.parts.plan.readOnly) this.#input(message);
        break;
      case 'signal':
        this.#signal(message);
        break;
      case 'error':
        if (this.#controls) session.end('cancel');
        break;
      case 'open':
        throw protocolError('The process is already started: one connection runs one command.');
      case 'parameter':
        this.#resize(message);
        break;
      case 'outputCredit':
        viewer.addCredit(message.type === DataType.STDERR ? 1 : 0, message.bytes);
        break;
      case 'control':
        this.#control(message);
        break;
      case 'probe':
        if (!message.reply) link.send({ kind: 'probe', id: message.id, reply: true });
        break;
      case 'heartbeat':
      case 'unknown':
        break;
      default:
        throw protocolError(`A client does not send "${message.kind}".`);
    }
  }

  #input(message: MessageOf<'data'>): void {
    if (this.#typing === 'allowed') return this.#deliver(message);
    if (this.#typing === 'refused') return;
    this.#held.push(message);
    if (this.#typing === 'asked') return;
    this.#typing = 'asked';
    // Reading stops meanwhile, which bounds what is held.
    this.#parts.link.pause();
    void this.#parts.mayType().then((allowed) => {
      this.#typing = allowed ? 'allowed' : 'refused';
      for (const held of this.#held.splice(0)) if (allowed) this.#deliverSafely(held);
      this.#parts.link.resume();
    });
  }

  #deliverSafely(message: MessageOf<'data'>): void {
    try {
      this.#deliver(message);
    } catch (error) {
      this.#lose(toRstreamError(error, 'ERR_RSTREAM_WEBTTY_PROTOCOL'));
    }
  }

  #deliver(message: MessageOf<'data'>): void {
    const { session } = this.#parts;
    if (message.data !== undefined) session.input(message.data);
    // The input of a terminal has no end: a program that reads it is told with Ctrl-D.
    else if (session.parts.plan.terminal === undefined) session.stdin.end();
  }

  #signal({ cancel, name }: MessageOf<'signal'>): void {
    const { session } = this.#parts;
    const signal = cancel ? undefined : signalName(name);
    if (!this.#controls) return;
    if (signal === undefined) session.end('cancel');
    else session.signal(signal);
  }

  #resize({ terminalSize }: MessageOf<'parameter'>): void {
    const size = terminalSize === undefined ? undefined : usableSize(terminalSize);
    if (size !== undefined && this.#controls) this.#parts.session.resize(size);
  }

  #control({ action, viewer: other, keepMs }: MessageOf<'control'>): void {
    const { session, viewer, number } = this.#parts;
    if (action === ControlAction.DONE) {
      if (this.#controls) session.forget();
      viewer.leave();
    } else if (action === ControlAction.REQUEST) {
      if (viewer.role === SessionRole.VIEWER && !session.takeFreeControl(viewer)) session.requestControl(number);
    } else if (this.#controls) {
      if (action === ControlAction.DETACH) session.detach(keepMs);
      else if (action === ControlAction.GRANT || action === ControlAction.REFUSE) session.answerControl(action, other);
    }
  }
}

const protocolError = (message: string): RstreamError => new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', message);

function signalName(name: string): NodeJS.Signals {
  if (!Object.hasOwn(constants.signals, name)) throw protocolError(`There is no signal "${name.slice(0, 20)}".`);
  return name as NodeJS.Signals;
}
