import type { RstreamError } from '@rstream/protocol';
import type { DataType, Message } from '@rstream/protocol/webtty';

/** Output under way to the peer above which the sources are paused: enough to keep a fast link busy, little to hold. */
export const WRITE_AHEAD_BYTES = 262_144;

/** Receives what comes over a {@link MessageLink}. */
export interface LinkEvents {
  onMessage(message: Message): void;
  /** The peer is gone, or sent something that is no message (`error`). Once, and nothing after it. */
  onGone(error?: RstreamError): void;
}

/** WebTTY messages over one connection, whatever carries them. Messages wait until {@link MessageLink.listen} gives them a receiver. */
export interface MessageLink {
  readonly isGone: boolean;
  /** True when nothing waits to be sent. */
  readonly isIdle: boolean;
  /** Sets the receiver; what waits is delivered at once. */
  listen(events: LinkEvents): void;
  /** Takes the receiver away: messages wait again, and reading stops. */
  hold(): void;
  pause(): void;
  resume(): void;
  send(message: Exclude<Message, { kind: 'unknown' }>): void;
  /** Sends a data message. False when the sources should pause until `onDrain`. The payload must not be changed afterwards. */
  sendData(type: DataType, payload: Uint8Array): boolean;
  onDrain(listener: () => void): void;
  /** Sends what is queued, ends our side, and waits up to `timeoutMs` for the peer to end its side; then cuts. */
  close(timeoutMs: number): Promise<void>;
}
