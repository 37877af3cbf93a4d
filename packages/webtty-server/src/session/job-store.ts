import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { limits, RstreamError } from '@rstream/protocol';
import type { SessionInfo } from '@rstream/protocol/webtty';
import { Job, streamFiles } from './job.ts';

const FACTS_FILE = 'job.json';
/** Ids are names of folders: nothing else is looked for. */
const ID = /^ses_[0-9a-f]{32}$/;

/** What is kept of a job beside its output. */
export interface JobFacts {
  readonly version: 1;
  /** User who started it, as the relay proved it; empty for a local caller. */
  readonly owner: string;
  readonly info: SessionInfo;
}

/**
 * The jobs of a device on disk: a folder for each, with its facts and its output. They outlive the agent; a job that ran when the
 * agent ended is listed as ended without an exit code.
 */
export class JobStore {
  readonly #directory: string;
  readonly #ended = new Map<string, JobFacts>();
  #loading: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A place for a new job. @throws RstreamError `ERR_RSTREAM_DEVICE_BUSY`, `ERR_RSTREAM_JOB_STORE` */
  async create(facts: JobFacts, running: number): Promise<Job> {
    await this.#load();
    await this.#expire();
    if (this.#ended.size + running >= limits.webtty.maxJobs.default) {
      throw new RstreamError('ERR_RSTREAM_DEVICE_BUSY', `The device keeps ${limits.webtty.maxJobs.default} jobs, its limit.`, {
        next: 'Forget ended ones with: rstream webtty job forget.',
      });
    }
    const folder = join(this.#directory, facts.info.id);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await this.#write(facts);
      return new Job(folder);
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
      throw new RstreamError('ERR_RSTREAM_JOB_STORE', `The job cannot be kept on the device (${reason}).`, { cause });
    }
  }

  /** The job is over. Its facts are as good as they can be kept. */
  async end(facts: JobFacts): Promise<void> {
    this.#ended.set(facts.info.id, facts);
    await this.#write(facts).catch(() => undefined);
  }

  /** The program of a new job did not start: nothing of it stays. */
  async discard(id: string): Promise<void> {
    await rm(join(this.#directory, id), { recursive: true, force: true });
  }

  async list(owner: string): Promise<SessionInfo[]> {
    await this.#load();
    await this.#expire();
    return [...this.#ended.values()].filter((facts) => facts.owner === owner).map(({ info }) => info);
  }

  /** An ended job of this owner. */
  async find(id: string, owner: string): Promise<{ readonly info: SessionInfo; readonly folder: string } | undefined> {
    await this.#load();
    const facts = this.#ended.get(id);
    return facts === undefined || facts.owner !== owner ? undefined : { info: facts.info, folder: join(this.#directory, id) };
  }

  /** Removes an ended job. False when this owner has none of that id. */
  async forget(id: string, owner: string): Promise<boolean> {
    if ((await this.find(id, owner)) === undefined) return false;
    this.#ended.delete(id);
    await this.discard(id);
    return true;
  }

  async #write(facts: JobFacts): Promise<void> {
    const file = join(this.#directory, facts.info.id, FACTS_FILE);
    await writeFile(`${file}.new`, `${JSON.stringify(facts)}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  #load(): Promise<void> {
    this.#loading ??= this.#readAll();
    return this.#loading;
  }

  async #readAll(): Promise<void> {
    const names = await readdir(this.#directory).catch(() => []);
    for (const name of names.filter((entry) => ID.test(entry))) {
      const facts = await this.#read(name);
      if (facts !== undefined) this.#ended.set(name, facts);
    }
  }

  async #read(id: string): Promise<JobFacts | undefined> {
    try {
      const facts = JSON.parse(await readFile(join(this.#directory, id, FACTS_FILE), 'utf8')) as JobFacts;
      if (facts.version !== 1 || facts.info.id !== id) return undefined;
      if (!facts.info.running) return facts;
      // It ran when the agent ended, so nobody saw its end.
      const [stdoutKept, stderrKept] = await Promise.all([
        sizeOf(join(this.#directory, id, streamFiles[0])),
        sizeOf(join(this.#directory, id, streamFiles[1])),
      ]);
      const sizes = { stdoutKept, stderrKept, stdoutBytes: stdoutKept, stderrBytes: stderrKept };
      return { ...facts, info: { ...facts.info, ...sizes, running: false, endedAtMs: Date.now() } };
    } catch {
      return undefined;
    }
  }

  async #expire(): Promise<void> {
    const oldest = Date.now() - limits.webtty.jobRetention.default;
    for (const [id, { info }] of this.#ended) {
      if ((info.endedAtMs ?? 0) > oldest) continue;
      this.#ended.delete(id);
      await this.discard(id).catch(() => undefined);
    }
  }
}

const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => undefined))?.size ?? 0;
