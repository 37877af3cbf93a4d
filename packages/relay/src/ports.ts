import type { RstreamError } from '@rstream/protocol';
import type { Action, ProjectRef } from '@rstream/protocol/claims';

export type { Action, ProjectRef };

/** Answer of the evaluator. `select` names the inventory fields that a list scope leaves visible; absent = all of them. */
export type Decision =
  | { readonly allowed: true; readonly select?: Readonly<Record<string, boolean>> | undefined }
  | { readonly allowed: false; readonly error: RstreamError };

/** What a proven credential may do in one project. Made by the `Authority`, asked by the relay at every action. */
export interface Grant {
  readonly credentialId: string;
  readonly userId: string;
  readonly workspaceId: string;
  readonly project: ProjectRef;
  /** Epoch milliseconds; absent = until revoked. */
  readonly expiresAt?: number | undefined;
  allows(action: Action): Decision;
}

/** Proves tokens. The relay never sees keys or the credential store. */
export interface Authority {
  /** The grant of a token in one project. Answers at once when it can. @throws RstreamError `UNAUTHORIZED` */
  authenticate(token: string, project: ProjectRef): Grant | Promise<Grant>;
  /** Calls `listener` with the id of each credential that stops being valid before its expiry. Returns the function that unsubscribes. */
  onRevoked(listener: (credentialId: string) => void): () => void;
}

/** The projects that this relay serves. Answered from local memory: it is asked on every public request. */
export interface Projects {
  /** @param endpoint 8 hex characters, the first label of the project's engine host */
  byEndpoint(endpoint: string): ProjectRef | undefined;
}

/** The part of a pino logger that the relay uses. Never given a token, a cookie or a query string. */
export interface RelayLogger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Counters that the host may keep. Each call is cheap and must not throw. */
export interface RelayMetrics {
  /** A client session was admitted. */
  sessionOpened(): void;
  /** A client session ended; `code` is `OK` for a clean end. */
  sessionClosed(code: string): void;
  tunnelOpened(): void;
  tunnelClosed(code: string): void;
  /** A public connection of the edge was accepted. */
  edgeConnectionOpened(): void;
  edgeConnectionClosed(): void;
  /** A request was forwarded to a device. */
  edgeRequest(): void;
  /** A response of a service came back, with its status. */
  edgeResponse(status: number): void;
  /** The relay answered by itself. */
  edgeRefused(code: string): void;
  /** A private dial was asked for; `code` is `OK` when it was joined to its device. */
  dial(code: string): void;
}
