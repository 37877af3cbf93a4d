import { constants } from 'node:os';

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Signals that end an attached terminal in order. In raw mode Ctrl-C is a key, so a SIGINT comes from another process. */
export class EndingSignals {
  readonly #controller = new AbortController();
  #exitCode: number | undefined;

  constructor() {
    for (const name of names) process.on(name, this.#receive);
  }

  /** Aborted by the first signal; the second one does not wait. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 128 + n when signal n came. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  release(): void {
    for (const name of names) process.off(name, this.#receive);
  }

  readonly #receive = (name: NodeJS.Signals): void => {
    const code = 128 + constants.signals[name];
    if (this.#exitCode !== undefined) process.exit(code);
    this.#exitCode = code;
    this.#controller.abort(name);
  };
}
