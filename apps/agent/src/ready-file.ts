import { rm } from 'node:fs/promises';
import { writeFileAtomic } from '@rstream/config';
import type { AgentStatus } from './agent.ts';

/** A file that exists exactly while the agent is online, so that scripts need not read its output. No secret. */
export class ReadyFile {
  readonly #path: string;
  #pending: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Writes or removes the file as the status says. Changes happen in order. */
  update(status: AgentStatus, name: string): void {
    const content = { name, tunnel_id: status.tunnelId, forwarding: status.forwarding, pid: process.pid };
    const change = (): Promise<void> =>
      status.state === 'online' ? writeFileAtomic(this.#path, `${JSON.stringify(content)}\n`) : rm(this.#path, { force: true });
    this.#pending = this.#pending.then(change, change);
  }

  /** Removes the file. */
  async remove(): Promise<void> {
    this.update({ state: 'stopped' }, '');
    await this.#pending;
  }
}
