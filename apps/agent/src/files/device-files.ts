import type { IncomingMessage, ServerResponse } from 'node:http';
import { RstreamError } from '@rstream/protocol';
import { createSidecar, serveNamedRoots, type ChangeRecord, type Sidecar } from '@rstream/webdav-sidecar';
import type { Caller } from '@rstream/webtty-server';
import type { Logger } from '../log.ts';
import type { FileSettings } from './settings.ts';

/** Where the files of a device are, whatever serves them. */
export const FILES_PREFIX = '/fs';

/**
 * The folders that a device serves: a boundary and not a sandbox, with the rights of the agent. Every request that changes something,
 * or tried to, is a line of the log that says who asked.
 */
export class DeviceFiles {
  readonly prefix = FILES_PREFIX;
  readonly #sidecar: Sidecar;
  readonly #logger: Logger;
  readonly #callers = new WeakMap<IncomingMessage, Caller>();

  /** Throws the errors of the sidecar: a root that cannot be opened, or with `strict` one that cannot be contained. */
  constructor(settings: FileSettings, logger: Logger) {
    this.#logger = logger;
    this.#sidecar = this.#open(settings);
    for (const { code, message } of this.#sidecar.weaknesses) logger.warn({ weakness: code }, message);
  }

  handle(request: IncomingMessage, response: ServerResponse, caller: Caller): void {
    this.#callers.set(request, caller);
    this.#sidecar.handle(request, response);
  }

  /** Lets running requests finish for a while, then cuts them. */
  close(): Promise<void> {
    return this.#sidecar.close();
  }

  #open({ roots, readOnly, maxUploadBytes, durability, strict }: FileSettings): Sidecar {
    const options = roots.map((root) => ({
      name: root.name ?? '',
      root: root.path,
      readOnly: root.readOnly ?? readOnly,
      maxUploadBytes,
      durability,
      containment: strict ? ('strict' as const) : ('best' as const),
      logger: this.#logger,
      onChange: (record: ChangeRecord, request: IncomingMessage) => this.#audit(root.name ?? root.path, record, request),
    }));
    const [only] = options;
    if (only === undefined) throw new RstreamError('ERR_RSTREAM_FS_OPTIONS', 'there is no root');
    if (only.name !== '') return serveNamedRoots({ prefix: FILES_PREFIX, roots: options });
    const { name: _name, ...single } = only;
    return createSidecar({ prefix: FILES_PREFIX, ...single });
  }

  #audit(root: string, record: ChangeRecord, request: IncomingMessage): void {
    const caller = this.#callers.get(request) ?? {};
    const { method, path, destination, status, bytes, durationMs } = record;
    this.#logger.info(
      {
        audit: 'file',
        method,
        root,
        path,
        destination,
        status,
        bytes,
        duration_ms: durationMs,
        user_id: caller.userId,
        credential_id: caller.credentialId,
        source_ip: caller.sourceIp,
        stream_id: caller.streamId,
      },
      'file',
    );
  }
}
