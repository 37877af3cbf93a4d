import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Ready } from '@rstream/protocol/control';
import { Cable } from './cable.ts';
import { Workstation } from './run.ts';

/** Waits for a file. Ready files are written as a whole, so one that exists can be read. */
export async function file(path: string): Promise<void> {
  while (!existsSync(path)) await pause(25);
}

export const gone = async (path: string): Promise<void> => {
  while (existsSync(path)) await pause(25);
};

/** Script of an app as its sources. */
export const appScript = (app: string): string => resolve(import.meta.dirname, `../../../${app}/src/bin.ts`);

/** The real hosted process and real devices; the workstation reaches it over a cable that can be cut. */
export class World extends Workstation {
  readonly #children: ChildProcess[] = [];
  #ready: Ready | undefined;
  #cable: Cable | undefined;

  static async open(): Promise<World> {
    const world = new World();
    const listen = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0', '--data-dir', world.path('hosted')];
    world.#launch('hosted', ['serve', ...listen]);
    await file(world.path('hosted/ready.json'));
    const ready = JSON.parse(readFileSync(world.path('hosted/ready.json'), 'utf8')) as Ready;
    world.#ready = ready;
    const url = new URL(`http://${ready.engine}`);
    world.#cable = await Cable.to(Number(url.port));
    const engine = `${url.hostname}:${world.#cable.port}`;
    const create = ['context', 'create', 'home', '--engine', engine, '--token-file', ready.ownerTokenFile, '--no-api-url'];
    const { code, stderr } = await world.run(create);
    if (code !== 0) throw new Error(stderr);
    return world;
  }

  get ready(): Ready {
    if (this.#ready === undefined) throw new Error('not open');
    return this.#ready;
  }

  /** The connection of the workstation, not of the devices. */
  get cable(): Cable {
    if (this.#cable === undefined) throw new Error('not open');
    return this.#cable;
  }

  /** Starts a device and waits until it is online. */
  async device(name: string, ...flags: string[]): Promise<ChildProcess> {
    const where = ['--engine', this.ready.engine, '--token-file', this.ready.ownerTokenFile, '--name', name];
    const child = this.#launch('agent', ['run', ...where, '--ready-file', this.path(name), '--shutdown-timeout', '0', ...flags]);
    await file(this.path(name));
    return child;
  }

  async close(): Promise<void> {
    const running = this.#children.filter((child) => child.exitCode === null && child.signalCode === null);
    const ends = running.map((child) => once(child, 'exit'));
    for (const child of running) child.kill('SIGTERM');
    await Promise.all(ends);
    this.#cable?.close();
    this.remove();
  }

  #launch(app: string, args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, ['--conditions=@rstream/source', appScript(app), ...args], { env: this.env, stdio: 'ignore' });
    this.#children.push(child);
    return child;
  }
}
