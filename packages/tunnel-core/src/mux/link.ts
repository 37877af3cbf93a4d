import type { Duplex } from 'node:stream';
import { limits } from '@rstream/protocol';

/** What a session hears from its link. */
export interface LinkEvents {
  onData(chunk: Buffer): void;
  /** A blocked link takes bytes again. */
  onDrain(): void;
  /** The peer will send nothing more. Called once, with an error when it was not a clean end. */
  onEnd(error?: Error): void;
  /** The link is gone; nothing follows. */
  onClosed(): void;
}

/**
 * All that a session knows of what carries it. A link that outlives its carrier (numbering bytes, keeping the unacknowledged tail
 * and continuing on a new carrier) is another implementation of this interface; the session does not change.
 */
export interface Link {
  /** True when `write` should wait for `onDrain`. */
  readonly blocked: boolean;
  /** Sends the buffers in one gathered write; `done` is called when they have left this process, never when the link dies before. */
  write(buffers: readonly Buffer[], done: () => void): void;
  /** Lets written bytes leave, tells the peer that nothing follows, then goes away; bounded by `limits.mux.closeTimeout`. */
  close(): void;
  /** Goes away at once. */
  destroy(): void;
}

/** A link over one carrier, with the life of that carrier. */
export function linkOver(carrier: Duplex, events: LinkEvents): Link {
  let ended = false;
  const end = (error?: Error): void => {
    if (ended) return;
    ended = true;
    events.onEnd(error);
  };
  // Interactive traffic must not wait for Nagle's algorithm; frames are already batched.
  if ('setNoDelay' in carrier && typeof carrier.setNoDelay === 'function') carrier.setNoDelay(true);
  carrier.on('data', (chunk: Buffer) => events.onData(chunk));
  carrier.on('drain', () => events.onDrain());
  carrier.on('end', () => end());
  carrier.on('error', (error: Error) => end(error));
  carrier.on('close', () => {
    end(ended ? undefined : new Error('The carrier closed without an end.'));
    events.onClosed();
  });
  if (carrier.destroyed) process.nextTick(() => (end(new Error('The carrier was already closed.')), events.onClosed()));

  return {
    get blocked() {
      return carrier.writableNeedDrain;
    },
    write: (buffers, done) => gather(carrier, buffers, done),
    close() {
      const deadline = setTimeout(() => carrier.destroy(), limits.mux.closeTimeout.default);
      carrier.once('close', () => clearTimeout(deadline));
      // A stream destroys itself once both directions ended; what the peer still sends is read and ignored until then.
      carrier.end();
      carrier.resume();
    },
    destroy: () => void carrier.destroy(),
  };
}

function gather(carrier: Duplex, buffers: readonly Buffer[], done: () => void): void {
  const last = buffers.length - 1;
  if (last > 0) carrier.cork();
  buffers.forEach((buffer, index) => {
    if (index < last) carrier.write(buffer);
    else carrier.write(buffer, (error) => error ?? done());
  });
  if (last > 0) carrier.uncork();
}
