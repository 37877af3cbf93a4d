import { carrierLimits } from './carrier.ts';
import { configLimits } from './config.ts';
import { controlLimits } from './control.ts';
import { edgeLimits } from './edge.ts';
import { filesLimits } from './files.ts';
import { mcpLimits } from './mcp.ts';
import { muxLimits } from './mux.ts';
import { relayLimits } from './relay.ts';
import { tokenLimits } from './tokens.ts';
import { webdavLimits } from './webdav.ts';
import { webttyLimits } from './webtty.ts';

export type { Limit, LimitTable } from './limit.ts';
export {
  carrierLimits,
  configLimits,
  controlLimits,
  edgeLimits,
  filesLimits,
  mcpLimits,
  muxLimits,
  relayLimits,
  tokenLimits,
  webdavLimits,
  webttyLimits,
};

/** Every limit by area; `docs/LIMITS.md` has a row for each. */
export const limits = {
  mux: muxLimits,
  carrier: carrierLimits,
  relay: relayLimits,
  edge: edgeLimits,
  tokens: tokenLimits,
  config: configLimits,
  control: controlLimits,
  webtty: webttyLimits,
  webdav: webdavLimits,
  files: filesLimits,
  mcp: mcpLimits,
} as const;
