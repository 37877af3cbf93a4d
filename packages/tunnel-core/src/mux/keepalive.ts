/** What keepalive needs of its session. */
export interface KeepaliveTarget {
  /** When the last byte arrived, in ms of `performance.now()`. */
  lastActivity(): number;
  /** Sends a ping; the answer shows as activity. */
  probe(): void;
  /** The peer showed no sign of life. */
  onDead(): void;
}

/**
 * Pings a session that has been silent for `interval` ms and gives it `timeout` ms to show any sign of life. One timer, which a busy
 * session only re-arms. Does not keep the process alive.
 * @returns a function that stops it
 */
export function keepAlive(target: KeepaliveTarget, options: { interval: number; timeout: number }): () => void {
  let probedAt: number | undefined;
  let timer: NodeJS.Timeout;
  const arm = (ms: number): void => {
    timer = setTimeout(check, Math.max(1, ms)).unref();
  };
  const check = (): void => {
    const now = performance.now();
    if (probedAt !== undefined && target.lastActivity() < probedAt) {
      const left = options.timeout - (now - probedAt);
      if (left > 0) arm(left);
      else target.onDead();
      return;
    }
    probedAt = undefined;
    const silence = now - target.lastActivity();
    if (silence < options.interval) {
      arm(options.interval - silence);
      return;
    }
    probedAt = now;
    arm(Math.min(options.interval, options.timeout));
    target.probe();
  };
  arm(options.interval);
  return () => clearTimeout(timer);
}
