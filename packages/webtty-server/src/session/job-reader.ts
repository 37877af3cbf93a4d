import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '@rstream/protocol';
import { ControlAction, DataType, type Message, type MessageOf, type SessionInfo } from '@rstream/protocol/webtty';
import type { MessageLink } from '../message-link.ts';
import { streamFiles } from './job.ts';
import type { StreamIndex } from './output-source.ts';

/** A job to read, running or ended. */
export interface ReadableJob {
  readonly folder: string;
  info(): SessionInfo;
  /** Bytes of a stream that can be read now. */
  kept(stream: StreamIndex): number;
  /** Tells of more to read, and of the end. The returned function ends that. */
  onChange(listener: () => void): () => void;
  /** Ends the job early. */
  cancel(): void;
}

export interface JobReaderOptions {
  readonly from: readonly [number, number];
  /** Bytes of each stream that it has received and not acknowledged. */
  readonly unacknowledged: readonly [number, number];
  /** Bytes of each stream under way; Infinity for a client that gives no credit. */
  readonly window: number;
  readonly heartbeat: boolean;
}

const streams = [0, 1] as const;

/** Sends the output of a job from given offsets on, follows it, and ends with its end. */
export class JobReader {
  readonly #link: MessageLink;
  readonly #job: ReadableJob;
  readonly #heartbeat: boolean;
  readonly #next: [number, number];
  readonly #credit: [number, number];
  readonly #outstanding: [number, number];
  readonly #waiting = new Set<() => void>();
  #hasRoom = true;
  #gone = false;

  constructor(link: MessageLink, job: ReadableJob, { from, unacknowledged, window, heartbeat }: JobReaderOptions) {
    this.#link = link;
    this.#job = job;
    this.#heartbeat = heartbeat;
    this.#next = [...from];
    this.#outstanding = [...unacknowledged];
    this.#credit = [window - unacknowledged[0], window - unacknowledged[1]];
    link.onDrain(() => {
      this.#hasRoom = true;
      this.#wake();
    });
    link.listen({ onMessage: (message) => this.#receive(message), onGone: () => this.#leave() });
  }

  /** Resolves when everything was sent, or the reader left. */
  async run(): Promise<void> {
    const stop = this.#job.onChange(() => this.#wake());
    const beat = this.#heartbeat
      ? setInterval(() => this.#link.send({ kind: 'heartbeat' }), limits.webtty.heartbeatInterval.default)
      : undefined;
    try {
      await Promise.all(streams.map((stream) => this.#copy(stream)));
      if (!this.#gone) this.#link.send(closeOf(this.#job.info()));
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
      this.#link.send({ kind: 'error', msg: `The output of the job cannot be read (${reason}).`, reason: 0 });
    } finally {
      stop();
      clearInterval(beat);
    }
  }

  async #copy(stream: StreamIndex): Promise<void> {
    const type = stream === 0 ? DataType.STDOUT : DataType.STDERR;
    const file = await open(join(this.#job.folder, streamFiles[stream]), 'r');
    try {
      while (!this.#gone) {
        // Asked in this order: a job that is over writes nothing more.
        const over = !this.#job.info().running;
        const ready = Math.min(this.#job.kept(stream) - this.#next[stream], this.#credit[stream], limits.webtty.dataBytes.default);
        if (ready > 0 && this.#hasRoom) await this.#send(file, stream, ready);
        else if (over && this.#next[stream] >= this.#job.kept(stream)) break;
        else await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
      if (!this.#gone) this.#link.send({ kind: 'data', type, eos: true });
    } finally {
      await file.close();
    }
  }

  async #send(file: FileHandle, stream: StreamIndex, bytes: number): Promise<void> {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, this.#next[stream]);
    this.#next[stream] += bytesRead;
    this.#credit[stream] -= bytesRead;
    this.#outstanding[stream] += bytesRead;
    this.#hasRoom = this.#link.sendData(stream === 0 ? DataType.STDOUT : DataType.STDERR, buffer.subarray(0, bytesRead));
  }

  #receive(message: Message): void {
    if (message.kind === 'outputCredit') {
      const stream = message.type === DataType.STDERR ? 1 : 0;
      if (message.bytes > this.#outstanding[stream]) return this.#refuse('The client acknowledged more output than it was sent.');
      this.#outstanding[stream] -= message.bytes;
      this.#credit[stream] += message.bytes;
      this.#wake();
    } else if (message.kind === 'signal') {
      if (message.cancel) this.#job.cancel();
    } else if (message.kind === 'control') {
      if (message.action === ControlAction.DONE || message.action === ControlAction.DETACH) this.#leave();
    } else if (message.kind === 'probe') {
      if (!message.reply) this.#link.send({ kind: 'probe', id: message.id, reply: true });
    } else if (message.kind === 'open') {
      this.#refuse('One connection serves one session.');
    }
  }

  #refuse(msg: string): void {
    this.#link.send({ kind: 'error', msg, reason: 0 });
    this.#leave();
  }

  #leave(): void {
    this.#gone = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** The last message of a job: how it ended. */
function closeOf(info: SessionInfo): MessageOf<'close'> {
  return {
    kind: 'close',
    returnCode: info.exitCode ?? -1,
    report: {
      signal: info.signal,
      timedOut: info.timedOut,
      cancelled: info.cancelled,
      stdoutBytes: info.stdoutBytes,
      stderrBytes: info.stderrBytes,
      durationMs: Math.max(0, (info.endedAtMs ?? info.startedAtMs) - info.startedAtMs),
    },
  };
}
