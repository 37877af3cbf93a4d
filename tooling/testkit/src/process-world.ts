import { mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Ready } from '@rstream/protocol/control';
import { Child } from './child.ts';

const root = resolve(import.meta.dirname, '../../..');
const bundles = {
  rstream: 'apps/cli/dist/rstream.js',
  'rstream-agent': 'apps/agent/dist/rstream-agent.js',
  'rstream-hosted': 'apps/hosted/dist/rstream-hosted.js',
} as const;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TokenRequest {
  readonly name: string;
  readonly permissions: readonly string[];
  readonly args?: readonly string[];
}

/**
 * The product as its users run it: the built commands as real processes on loopback, in a folder of their own with an empty
 * home. `close` ends everything and removes the folder.
 */
export class ProcessWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'rstream-world-'));
  readonly data = join(this.folder, 'hosted');
  readonly env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: this.folder,
    RSTREAM_CONFIG: join(this.folder, 'config.yaml'),
  };
  readonly children: Child[] = [];
  port = 0;
  #ready: Ready | undefined;

  /** A hosted process, its owner's context on this workstation, and one device named `device`. */
  static async start(): Promise<ProcessWorld> {
    const world = new ProcessWorld();
    try {
      await world.startHosted();
      await world.run('rstream', [
        'context',
        'create',
        'world',
        '--engine',
        world.ready.engine,
        '--token-file',
        world.ready.ownerTokenFile,
        '--no-api-url',
        '--default',
      ]);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  get ready(): Ready {
    if (this.#ready === undefined) throw new Error('hosted is not running');
    return this.#ready;
  }

  /** How another program starts the built command. */
  commandLine(name: keyof typeof bundles, args: readonly string[]): { command: string; args: string[] } {
    return { command: process.execPath, args: [join(root, bundles[name]), ...args] };
  }

  /** Starts the built command; it lives until `close`. */
  spawn(name: keyof typeof bundles, args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
    const { command, args: whole } = this.commandLine(name, args);
    const child = new Child(command, whole, { cwd: this.folder, env: { ...this.env, ...env } });
    this.children.push(child);
    return child;
  }

  /** Runs the built command to its end; throws when it fails. */
  async run(name: keyof typeof bundles, args: readonly string[], input = ''): Promise<Outcome> {
    const outcome = await this.attempt(name, args, input);
    if (outcome.code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${outcome.code}:\n${outcome.stdout}\n${outcome.stderr}`);
    return outcome;
  }

  /** Runs the built command to its end, whatever that is. */
  async attempt(name: keyof typeof bundles, args: readonly string[], input = ''): Promise<Outcome> {
    const child = this.spawn(name, args);
    child.process.stdin.end(input);
    const { code } = await child.exited;
    return { code, stdout: child.stdout, stderr: child.stderr };
  }

  /** Starts the hosted process, the first time on a free port and afterwards on the same one. */
  async startHosted(args: readonly string[] = []): Promise<Child> {
    this.port ||= await freePort();
    const listen = [
      '--listen',
      `127.0.0.1:${this.port}`,
      '--base-host',
      `rstream.localhost:${this.port}`,
      '--metrics-listen',
      '127.0.0.1:0',
    ];
    const hosted = this.spawn('rstream-hosted', ['serve', ...listen, '--data-dir', this.data, ...args]);
    this.#ready = await fileContent<Ready>(hosted, join(this.data, 'ready.json'), (ready) => ready.pid === hosted.pid);
    return hosted;
  }

  /** Makes a token for the project and returns the file that holds it. */
  async createToken({ name, permissions, args = [] }: TokenRequest): Promise<string> {
    const file = join(this.folder, `${name}.token`);
    const wanted = permissions.flatMap((permission) => ['--permission', permission]);
    await this.run('rstream-hosted', [
      'token',
      'create',
      '--data-dir',
      this.data,
      '--project',
      this.ready.project,
      ...wanted,
      '--name',
      name,
      '--out',
      file,
      ...args,
    ]);
    return file;
  }

  /** Starts a device with a credential of its own and waits until it is online. */
  async startDevice(name = 'device', args: readonly string[] = []): Promise<Child> {
    const token = await this.createToken({ name: `${name}-${this.children.length}`, permissions: ['tunnels.tunnels.create-delete'] });
    const readyFile = join(this.folder, `${name}-${this.children.length}.ready.json`);
    const device = this.spawn('rstream-agent', [
      'run',
      '--engine',
      this.ready.engine,
      '--token-file',
      token,
      '--name',
      name,
      '--ready-file',
      readyFile,
      ...args,
    ]);
    await fileContent(device, readyFile, () => true);
    return device;
  }

  /** Everything that any process said. */
  get everythingSaid(): string {
    return this.children.map(({ stdout, stderr }) => stdout + stderr).join('\n');
  }

  async close(): Promise<void> {
    for (const child of this.children.toReversed()) await child.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (address !== null && typeof address === 'object' ? done(address.port) : fail(new Error('no port'))));
    });
  });
}

/** Waits until the file holds JSON that `accept` takes, woken by changes of its folder. */
async function fileContent<T>(owner: Child, file: string, accept: (content: T) => boolean): Promise<T> {
  const read = (): T | undefined => {
    try {
      const content = JSON.parse(readFileSync(file, 'utf8')) as T;
      return accept(content) ? content : undefined;
    } catch {
      return undefined;
    }
  };
  const deadline = AbortSignal.timeout(20_000);
  for (;;) {
    const content = read();
    if (content !== undefined) return content;
    if (!owner.isRunning || deadline.aborted) throw new Error(`${file} did not appear:\n${owner.stdout}\n${owner.stderr}`);
    await changeOf(dirname(file), deadline);
  }
}

/** The folder's next change, or a quarter of a second, since the folder itself may not exist yet. */
function changeOf(folder: string, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const finish = (): void => {
      clearTimeout(timer);
      watcher?.close();
      done();
    };
    const timer = setTimeout(finish, 250);
    let watcher: ReturnType<typeof watch> | undefined;
    try {
      watcher = watch(folder, { signal }, finish);
      watcher.on('error', finish);
    } catch {
      watcher = undefined;
    }
  });
}
