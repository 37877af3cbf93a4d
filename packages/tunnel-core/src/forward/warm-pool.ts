import type { Duplex } from 'node:stream';
import { carrierLimits } from '@rstream/protocol/limits';

export interface WarmPoolOptions {
  /** Connections kept ready; default `carrier.warmSockets`. */
  readonly size?: number | undefined;
  /** Milliseconds that a ready connection lives; default `carrier.warmIdle`. */
  readonly idle?: number | undefined;
}

interface Warm {
  readonly socket: Duplex;
  readonly forget: () => void;
}

/**
 * Connections to one service, opened before they are needed, so that a new stream does not wait for one. Only under load: as
 * many are kept ready as streams came within the last idle period, and none for a lone stream, because a service that
 * handles one connection at a time would wait on an idle one. A connection that speaks, ends or fails while idle is dropped.
 */
export class WarmPool {
  readonly #dial: () => Promise<Duplex>;
  readonly #size: number;
  readonly #idle: number;
  readonly #ready: Warm[] = [];
  #dialling = 0;
  #recent = 0;
  #decay: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(dial: () => Promise<Duplex>, options: WarmPoolOptions = {}) {
    this.#dial = dial;
    this.#size = options.size ?? carrierLimits.warmSockets.default;
    this.#idle = options.idle ?? carrierLimits.warmIdle.default;
  }

  /** Connections that wait to be taken. */
  get ready(): number {
    return this.#ready.length;
  }

  /** The oldest healthy connection, if one is ready. */
  take(): Duplex | undefined {
    const warm = this.#ready.shift();
    warm?.forget();
    this.#notice();
    return warm?.socket;
  }

  /** Drops every ready connection and opens no more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#decay);
    for (const warm of this.#ready.splice(0)) {
      warm.forget();
      warm.socket.destroy();
    }
  }

  #notice(): void {
    this.#recent += 1;
    this.#decay ??= setTimeout(() => {
      this.#recent = 0;
      this.#decay = undefined;
    }, this.#idle).unref();
    const wanted = this.#recent < 2 ? 0 : Math.min(this.#recent, this.#size);
    while (!this.#closed && this.#ready.length + this.#dialling < wanted) this.#add();
  }

  #add(): void {
    this.#dialling += 1;
    this.#dial()
      .then((socket) => (this.#closed ? void socket.destroy() : this.#keep(socket)))
      .catch(() => {
        // The stream that needs the service dials by itself and reports why it cannot.
      })
      .finally(() => {
        this.#dialling -= 1;
      });
  }

  #keep(socket: Duplex): void {
    const drop = (): void => {
      const index = this.#ready.indexOf(warm);
      if (index >= 0) this.#ready.splice(index, 1);
      warm.forget();
      socket.on('error', () => {});
      socket.destroy();
    };
    const timer = setTimeout(drop, this.#idle).unref();
    const forget = (): void => {
      clearTimeout(timer);
      socket.off('readable', drop).off('end', drop).off('close', drop).off('error', drop);
    };
    const warm: Warm = { socket, forget };
    socket.on('readable', drop).on('end', drop).on('close', drop).on('error', drop);
    this.#ready.push(warm);
  }
}
