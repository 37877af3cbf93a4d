import type { ErrorCode, RstreamError } from '@rstream/protocol';

/** Exit codes of `rstream-agent`; the README explains them. */
export const exitCodes = { stopped: 0, failed: 1, usage: 2, credential: 3, nameTaken: 4 } as const;

const special: Partial<Record<ErrorCode, number>> = {
  ERR_RSTREAM_AGENT_CONFIG: exitCodes.usage,
  ERR_RSTREAM_ENGINE_INVALID: exitCodes.usage,
  ERR_RSTREAM_LOGIN_USER: exitCodes.usage,
  ERR_RSTREAM_REDACTION_RULE: exitCodes.usage,
  ERR_RSTREAM_TOKEN_FILE_UNSAFE: exitCodes.credential,
  ERR_RSTREAM_TOKEN_MALFORMED: exitCodes.credential,
  ERR_RSTREAM_AUTH_REQUIRED: exitCodes.credential,
  UNAUTHORIZED: exitCodes.credential,
  FORBIDDEN: exitCodes.credential,
  TUNNEL_CONFLICT: exitCodes.nameTaken,
  TUNNEL_REPLACED: exitCodes.nameTaken,
};

/** Exit code for what stopped the agent. */
export function exitCodeOf(error: RstreamError | undefined): number {
  return error === undefined ? exitCodes.stopped : (special[error.code] ?? exitCodes.failed);
}
