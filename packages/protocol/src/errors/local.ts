import { agentErrors } from './local-agent.ts';
import { cliErrors } from './local-cli.ts';
import { configErrors } from './local-config.ts';
import { filesErrors } from './local-files.ts';
import { hostedErrors } from './local-hosted.ts';
import { mcpErrors } from './local-mcp.ts';
import { tokenErrors } from './local-tokens.ts';
import { tunnelErrors } from './local-tunnel.ts';
import { webdavErrors } from './local-webdav.ts';
import { webttyErrors } from './local-webtty.ts';

/** Errors of one process: never sent to a peer, always shown to its own user. */
export const localErrors = {
  ...tunnelErrors,
  ...tokenErrors,
  ...configErrors,
  ...webttyErrors,
  ...webdavErrors,
  ...filesErrors,
  ...agentErrors,
  ...hostedErrors,
  ...cliErrors,
  ...mcpErrors,
} as const;

/** Code of an error that stays in one process. */
export type LocalErrorCode = keyof typeof localErrors;
