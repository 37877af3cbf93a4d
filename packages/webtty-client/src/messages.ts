import type { DataType, Message } from '@rstream/protocol/webtty';

/** WebTTY messages to and from a device, whatever carries them. */
export interface Messages {
  /** Next message, or `undefined` after a clean end between two messages. Rejects when the connection broke. */
  read(): Promise<Message | undefined>;
  send(message: Exclude<Message, { kind: 'unknown' }>): Promise<void>;
  sendData(type: DataType, payload: Uint8Array): Promise<void>;
  close(): void;
}
