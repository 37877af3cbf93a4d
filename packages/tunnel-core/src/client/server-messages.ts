import { RstreamError } from '@rstream/protocol';
import { ServerMessage } from '@rstream/protocol/wire';

const known: ReadonlySet<unknown> = new Set(ServerMessage.options.map((option) => option.shape.type.value));

/** Reads a message of the relay. A type that this version does not know is skipped, so that a newer relay may say more. */
export function parseServerMessage(value: unknown): ServerMessage | undefined {
  if (typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && !known.has(value.type)) {
    return undefined;
  }
  const parsed = ServerMessage.safeParse(value);
  if (!parsed.success) throw new RstreamError('INVALID_STREAM', 'The relay sent a control message that cannot be understood.');
  return parsed.data;
}
