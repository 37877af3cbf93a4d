import { RstreamError } from '@rstream/protocol';
import type { MessageOf } from '@rstream/protocol/webtty';
import type { MessageLink } from './message-link.ts';

/** What a connection is for: a new session, one that exists, or a question about sessions. */
export type FirstMessage = MessageOf<'open'> | MessageOf<'resume'> | MessageOf<'sessionsRequest'>;

/** Reads the message that says what the connection is for, and stops reading. */
export function readFirstMessage(link: MessageLink, timeoutMs: number): Promise<FirstMessage> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(invalid('No open message arrived in time.')), timeoutMs);
    const settle = (result: RstreamError | FirstMessage): void => {
      clearTimeout(timer);
      link.hold();
      if (RstreamError.is(result)) reject(result);
      else resolve(result);
    };
    link.listen({
      onMessage: (message) => {
        switch (message.kind) {
          case 'open':
          case 'resume':
          case 'sessionsRequest':
            return settle(message);
          case 'heartbeat':
          case 'clientHello':
            return undefined;
          case 'attach':
            return settle(invalid('This server runs commands; sessions are attached at the engine.'));
          default:
            return settle(invalid('The first message must be "open".'));
        }
      },
      onGone: (error) => settle(error ?? new RstreamError('ERR_RSTREAM_WEBTTY_LOST', 'The client left before it asked for a command.')),
    });
  });
}

const invalid = (message: string): RstreamError => new RstreamError('ERR_RSTREAM_COMMAND_INVALID', message);
