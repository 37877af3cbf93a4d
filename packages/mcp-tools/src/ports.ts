import type { ExecResult, JobInfo, JobOutput, StartedJob, WebttyServer } from '@rstream/protocol/exec';
import type { TunnelProperties } from '@rstream/protocol/tunnel';

/** A selected context without its secrets. */
export interface ContextSummary {
  readonly name: string;
  readonly engine?: string;
  readonly api_url?: string;
  readonly project_endpoint?: string;
  /** True when the context can authenticate: the token itself never leaves the port. */
  readonly has_token: boolean;
}

/** What can be known of the workstation without touching the network. */
export interface ContextState {
  readonly config_path: string;
  readonly default_context?: string;
  readonly selected_context?: string;
  readonly contexts: number;
  readonly api_url?: string;
  readonly engine?: string;
  readonly project_endpoint?: string;
  readonly has_token: boolean;
  /** One sentence when the configuration cannot be used as it is. */
  readonly error?: string;
}

/** Contexts of the operator's configuration. Read only, local files only. */
export interface ContextPort {
  state(): Promise<ContextState>;
  list(): Promise<{ readonly default?: string; readonly selected?: string; readonly contexts: readonly ContextSummary[] }>;
  /** The named context, or the selected one; `undefined` when there is none. */
  get(name?: string): Promise<ContextSummary | undefined>;
}

/** What every call that goes to an engine carries. */
export interface CallOptions {
  readonly signal: AbortSignal;
  /** Name, endpoint or id of the project; absent = that of the selected context. Resolved in memory, never written down. */
  readonly project?: string;
}

/** The engine's inventory of devices. */
export interface InventoryPort {
  /** Devices that serve WebTTY, in the order of their names. */
  listWebtty(filter: { readonly name?: string; readonly filter?: string }, options: CallOptions): Promise<readonly WebttyServer[]>;
}

/** A command for a device. `command` is an argument vector, never a shell string. */
export interface RemoteCommand {
  readonly url: string;
  readonly command: readonly string[];
  readonly execPath?: string;
  readonly workdir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
}

/** One command whose end is waited for. */
export interface ExecRequest extends RemoteCommand {
  readonly stdin?: string;
  readonly timeoutMs: number;
  /** Kept bytes of both output streams together; head and tail are kept, the totals are always exact. */
  readonly maxOutputBytes: number;
}

/** Remote commands. Aborting the signal ends the remote process. */
export interface ExecPort {
  exec(request: ExecRequest, options: CallOptions): Promise<ExecResult>;
}

/** A command whose end is not waited for. */
export interface JobRequest extends RemoteCommand {
  readonly label?: string;
  readonly timeoutMs?: number;
}

/** Which piece of a job's output. */
export interface JobReadRequest {
  readonly stdoutOffset: number;
  readonly stderrOffset: number;
  /** Of both streams together. */
  readonly maxBytes: number;
  /** Waits this long for the end of the job or for as much output; 0 takes what is there. */
  readonly waitMs: number;
}

/** Commands that outlive their call. A handle is `rstrm://NAME#ID`. Aborting a signal ends the call, never the job. */
export interface JobPort {
  start(request: JobRequest, options: CallOptions): Promise<StartedJob>;
  /** The newest first. */
  list(url: string, options: CallOptions): Promise<readonly JobInfo[]>;
  /** @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND` */
  read(handle: string, request: JobReadRequest, options: CallOptions): Promise<JobOutput>;
  /** Resolves when the job has ended. @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND` */
  cancel(handle: string, options: CallOptions): Promise<JobInfo>;
}

/** A file or folder of a device. */
export interface FileAddress {
  readonly url: string;
  /** Default: what the inventory says. */
  readonly fsPath?: string;
  /** Names below the root, joined by `/`. */
  readonly path: string;
}

/** An entry of a listing. */
export interface FileItem {
  readonly path: string;
  readonly kind: 'file' | 'directory';
  readonly size?: number;
  readonly modified?: string;
  readonly etag?: string;
}

/** A piece of a file. */
export interface FilePiece {
  readonly bytes: Uint8Array;
  /** Of the whole file. */
  readonly size: number;
  readonly etag?: string;
}

/** What may be replaced: nothing, whatever is there, or one state of it. */
export interface Replacing {
  readonly overwrite: boolean;
  readonly ifMatch?: string;
}

/** Files of a device, inside the root that it offers. Nothing is ever half written. */
export interface FilesPort {
  /** The entry itself, and of a folder what is in it by name. */
  list(at: FileAddress, options: CallOptions): Promise<readonly FileItem[]>;
  read(at: FileAddress, range: { readonly offset: number; readonly length: number }, options: CallOptions): Promise<FilePiece>;
  write(
    at: FileAddress,
    content: Uint8Array,
    options: CallOptions & Replacing,
  ): Promise<{ readonly bytes: number; readonly etag?: string }>;
  /** With the folders above it. False: it was there. */
  makeFolder(at: FileAddress, options: CallOptions): Promise<boolean>;
  /** False: there was nothing. @throws RstreamError `ERR_RSTREAM_FILE_KIND` for a folder without `recursive` */
  remove(at: FileAddress, options: CallOptions & { readonly recursive: boolean }): Promise<boolean>;
  /** One file of this machine. Resolves with its size. */
  upload(at: FileAddress, localPath: string, options: CallOptions & Replacing): Promise<number>;
  /** To one file of this machine. Resolves with its size. */
  download(at: FileAddress, localPath: string, options: CallOptions & Replacing): Promise<number>;
}

/** What an agent asks for when it publishes a local service. */
export interface LeaseRequest {
  readonly host: string;
  readonly port: number;
  readonly properties: TunnelProperties;
  /** True: the tunnel outlives this MCP server, up to its expiry. */
  readonly keep: boolean;
  readonly ttlSeconds: number;
}

/** A local tunnel that an agent opened: it has an owner and an expiry, and cleans itself up. */
export interface Lease {
  readonly id: string;
  readonly name: string;
  readonly tunnel_id: string;
  readonly url: string;
  readonly forwarded: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly publish: boolean;
  readonly protocol: string;
  readonly token_auth: boolean;
  readonly project_id?: string;
  readonly keep: boolean;
  /** `self`: this MCP server. `other`: another one that still runs. `none`: its server is gone, or it was kept on purpose. */
  readonly owner: 'self' | 'other' | 'none';
  readonly created_at: string;
  readonly expires_at: string;
  readonly log_path: string;
}

/** Proof of a stop: the process is gone, and the engine no longer lists the tunnel (`unconfirmed` when it could not be asked). */
export interface StoppedLease {
  readonly id: string;
  readonly tunnel_id: string;
  readonly pid: number;
  readonly inventory: 'gone' | 'unconfirmed';
}

/** Local tunnels as separate processes. */
export interface LocalTunnelPort {
  /** Resolves when the tunnel is online; throws and leaves nothing behind otherwise. */
  expose(request: LeaseRequest, options: CallOptions): Promise<Lease>;
  /** Living leases of every MCP server of this configuration. */
  list(): Promise<readonly Lease[]>;
  /** @throws RstreamError ERR_RSTREAM_LEASE_NOT_FOUND */
  stop(id: string, options: { readonly signal: AbortSignal }): Promise<StoppedLease>;
}

/** Short-lived credentials for one tunnel and path. */
export interface TokenPort {
  mintForTunnel(
    request: { readonly tunnelId: string; readonly projectId?: string; readonly path?: string; readonly ttlSeconds: number },
    options: CallOptions,
  ): Promise<{ readonly token: string; readonly expires_at: string }>;
}

/** Everything that the workstation's tools need from elsewhere. */
export interface RuntimePorts {
  readonly version: string;
  readonly contexts: ContextPort;
  readonly inventory: InventoryPort;
  readonly commands: ExecPort;
  readonly jobs: JobPort;
  readonly files: FilesPort;
  readonly localTunnels: LocalTunnelPort;
  readonly tokens: TokenPort;
}
