import { readFileSync } from 'node:fs';
import { spawn, type IPty } from '@lydell/node-pty';
import { nodeArgs, type Workstation } from './run.ts';

/** A terminal in which a command runs as a person's shell would run it, with the modes before and after it. */
export class Desk {
  readonly #pty: IPty;
  #shown = '';
  #wake: (() => void)[] = [];
  readonly #before: Promise<readonly string[]>;

  constructor(here: Workstation, args: readonly string[]) {
    const words = [process.execPath, ...nodeArgs, ...args].map((word) => `'${word}'`).join(' ');
    const script = `echo "before $(stty -g)"; ${words}; echo "code $?"; echo "after $(stty -g)"; read _`;
    const env = { ...here.env, TERM: 'vt220' };
    this.#pty = spawn('sh', ['-c', script], { cwd: here.folder, env, rows: 33, cols: 111 });
    this.#pty.onData((text) => {
      this.#shown += text;
      for (const wake of this.#wake.splice(0)) wake();
    });
    this.#before = this.shows(/before ([\da-f:]+)\r/);
  }

  /** Waits until the screen shows it, and returns the groups of the pattern. Looks at the last part only: output may be a flood. */
  async shows(pattern: RegExp): Promise<readonly string[]> {
    for (;;) {
      const match = pattern.exec(this.#shown.slice(-4_000));
      if (match !== null) return match.slice(1);
      await new Promise<void>((wake) => this.#wake.push(wake));
    }
  }

  /** Waits for the end and returns the exit code. The terminal must be as it was. */
  async ends(): Promise<number> {
    const [code, after] = await this.shows(/code (\d+)\r\nafter ([\da-f:]+)\r/);
    if (after !== (await this.#before)[0]) throw new Error('the terminal was not put back');
    return Number(code);
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  resize(columns: number, rows: number): void {
    this.#pty.resize(columns, rows);
  }

  /** Sends a signal to the command, which is the only child of the shell. */
  signal(name: NodeJS.Signals): void {
    const { pid } = this.#pty;
    process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()), name);
  }

  get screen(): string {
    return this.#shown;
  }

  leave(): void {
    this.#pty.kill('SIGKILL');
  }
}
