import type { Duplex } from 'node:stream';
import type { ResolvedContext } from '@rstream/config';
import type { ControlClient, EngineClient } from '@rstream/control-client';
import type { TokenCreate } from '@rstream/protocol/control';
import type { ExecResult, WebttyServer } from '@rstream/protocol/exec';
import type { WebttyTransport } from '@rstream/webtty-client';

/** How to run a remote command; what is absent is left to the device. */
export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  readonly username?: string;
  readonly stdin?: Uint8Array | string;
  /** Milliseconds until the device ends the command. */
  readonly timeoutMs?: number;
  /** Bytes kept of stdout and stderr together, head and tail of each. */
  readonly maxOutputBytes?: number;
}

export interface DialOptions {
  /** Path that the token's scope may be restricted to. */
  readonly path?: string;
  readonly signal?: AbortSignal;
}

/**
 * One context in use: inventory, private dialling and remote commands, over one session with the relay that is opened when it is
 * first needed, opened again when it died, and closed when it is idle. Any number of calls may run at the same time.
 */
export interface Operator {
  readonly context: ResolvedContext;
  /** REST API of the engine. @throws RstreamError when the context names no engine, or its token may not be used there */
  engine(): Promise<EngineClient>;
  /** REST API of the control plane; undefined when the context has none. */
  control(): ControlClient | undefined;
  /** Opens a stream to a private tunnel. @param target name or id, or `rstrm://name` */
  dial(target: string, options?: DialOptions): Promise<Duplex>;
  /** Opens a stream to a device, for HTTP with it. @param url `rstrm://name`; a server name or id will do */
  openDevice(url: string, signal?: AbortSignal): Promise<Duplex>;
  /** Opens the pipe for one command on a device, for `openCommand` of webtty-client. @param url `rstrm://name`; a server name or id will do */
  dialDevice(url: string, signal?: AbortSignal): Promise<WebttyTransport>;
  /** Runs a command on the device at `rstrm://name` to its end. Aborting kills it there and resolves with `cancelled`;
   * before the device is reached it rejects. */
  exec(url: string, argv: readonly string[], options?: ExecOptions, signal?: AbortSignal): Promise<ExecResult>;
  /** Devices that take commands; `filter` is a part of the name or `labels.key=value`. */
  listWebtty(filter?: string, signal?: AbortSignal): Promise<WebttyServer[]>;
  /** A delegated token. @throws RstreamError `FORBIDDEN` when it would hold more than this context's token */
  mintToken(request: TokenCreate, signal?: AbortSignal): Promise<{ token: string; expires_at?: string | undefined }>;
  /** Ends the session and every stream in it. The operator may be used again afterwards. */
  close(): Promise<void>;
}
