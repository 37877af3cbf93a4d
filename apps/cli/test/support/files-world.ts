import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, watch } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Ready } from '@rstream/protocol/control';
import { CuttingProxy } from './cutting-proxy.ts';
import { Workstation, type Outcome } from './run.ts';

async function appears(path: string): Promise<void> {
  while (!existsSync(path)) {
    const watcher = watch(dirname(path));
    const event = once(watcher, 'change');
    if (!existsSync(path)) await event;
    watcher.close();
  }
  if (basename(path) === '') throw new Error('no file');
}

/** A hosted process, a device `dev` that offers the folder `root`, and a workstation whose carrier can be cut. */
export class FilesWorld {
  readonly here = new Workstation();
  readonly root = this.here.path('root');
  readonly #children: ChildProcess[] = [];
  proxy!: CuttingProxy;
  ready!: Ready;

  static async start(agentArgs: readonly string[] = []): Promise<FilesWorld> {
    const world = new FilesWorld();
    mkdirSync(world.root);
    mkdirSync(world.here.path('hosted'));
    const listen = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0', '--data-dir', world.here.path('hosted')];
    world.#launch('hosted', ['serve', ...listen]);
    await appears(world.here.path('hosted/ready.json'));
    world.ready = JSON.parse(readFileSync(world.here.path('hosted/ready.json'), 'utf8')) as Ready;
    const [name = '', port] = world.ready.engine.split(':');
    world.proxy = new CuttingProxy(Number(port));
    const engine = `${name}:${await world.proxy.listen()}`;
    const { code, stderr } = await world.run([
      'context',
      'create',
      'home',
      '--engine',
      engine,
      '--token-file',
      world.ready.ownerTokenFile,
      '--no-api-url',
    ]);
    if (code !== 0) throw new Error(stderr);
    await world.startAgent('dev', ['--fs-root', world.root, ...agentArgs]);
    return world;
  }

  async startAgent(name: string, args: readonly string[]): Promise<void> {
    const { engine, ownerTokenFile } = this.ready;
    const readyFile = this.here.path(`${name}.ready`);
    this.#launch('agent', ['run', '--engine', engine, '--token-file', ownerTokenFile, '--name', name, '--ready-file', readyFile, ...args]);
    await appears(readyFile);
  }

  #launch(app: string, args: readonly string[]): void {
    const bin = resolve(import.meta.dirname, `../../../${app}/src/bin.ts`);
    this.#children.push(spawn(process.execPath, ['--conditions=@rstream/source', bin, ...args], { env: this.here.env, stdio: 'ignore' }));
  }

  run(args: readonly string[], options: { input?: string | Buffer; env?: NodeJS.ProcessEnv } = {}): Promise<Outcome> {
    return this.here.run(args, options);
  }

  /** `rstream webtty fs VERB … --url rstrm://dev` */
  fs(verb: string, ...args: readonly string[]): Promise<Outcome> {
    return this.run(['webtty', 'fs', verb, '--url', 'rstrm://dev', ...args]);
  }

  remote(name: string): string {
    return join(this.root, name);
  }

  async stop(): Promise<void> {
    const ends = this.#children.map((child) => once(child, 'exit'));
    for (const child of this.#children) child.kill('SIGTERM');
    await Promise.all(ends);
    this.proxy.close();
    this.here.remove();
  }
}
