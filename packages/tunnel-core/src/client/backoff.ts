import { carrierLimits } from '@rstream/protocol/limits';

export interface RetryOptions {
  /** First wait in ms; default `carrier.reconnectMinDelay`. */
  readonly minDelay?: number | undefined;
  /** Longest wait in ms; default `carrier.reconnectMaxDelay`. */
  readonly maxDelay?: number | undefined;
  /** Growth from one wait to the next; default `carrier.reconnectFactor`. */
  readonly factor?: number | undefined;
  /** Life of a session in ms after which waits start small again; default `carrier.reconnectStable`. */
  readonly stableAfter?: number | undefined;
  /** How long a `TUNNEL_CONFLICT` is retried, ms; default `carrier.conflictGrace`. */
  readonly conflictGrace?: number | undefined;
}

/** The waits between attempts. */
export interface Backoff {
  /** The next wait in ms: between half of the grown delay and all of it, so that many clients do not come back at once. */
  next(): number;
  reset(): void;
}

export function createBackoff(options: RetryOptions = {}, random: () => number = Math.random): Backoff {
  const minDelay = options.minDelay ?? carrierLimits.reconnectMinDelay.default;
  const maxDelay = options.maxDelay ?? carrierLimits.reconnectMaxDelay.default;
  const factor = options.factor ?? carrierLimits.reconnectFactor.default;
  let delay = minDelay;
  return {
    next() {
      const wait = Math.round(delay * (0.5 + random() / 2));
      delay = Math.min(delay * factor, maxDelay);
      return wait;
    },
    reset() {
      delay = minDelay;
    },
  };
}
