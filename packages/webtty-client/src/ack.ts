import { RstreamError } from '@rstream/protocol';
import type { Message, MessageOf } from '@rstream/protocol/webtty';
import type { Messages } from './messages.ts';
import { refusalError } from './refusal.ts';

/** Waits for the device's answer to a first message. @throws RstreamError what it refused with */
export async function readAck(messages: Messages): Promise<MessageOf<'ack'>> {
  for (;;) {
    const message = await messages.read();
    if (message === undefined)
      throw new RstreamError('ERR_RSTREAM_WEBTTY_LOST', 'The device closed the connection before the command started.');
    if (message.kind === 'ack') return message;
    if (message.kind === 'error' || message.kind === 'protocolError') throw refusalError(message);
    if (message.kind !== 'heartbeat') throw unexpected(message);
  }
}

export const unexpected = (message: Message): RstreamError =>
  new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', `The device sent an unexpected "${message.kind}" message.`);
