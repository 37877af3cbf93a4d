import { accessSync, constants, statSync } from 'node:fs';
import { configPath } from '@rstream/config';
import { RstreamError } from '@rstream/protocol';
import type { GlobalOptions } from '../globals.ts';
import type { Diagnostic } from './result.ts';

/** Names that a client's entry may carry; their values select a configuration and are no secrets. */
export const overrideNames = ['RSTREAM_API_URL', 'RSTREAM_CONFIG', 'RSTREAM_CONTEXT'] as const;
export type Overrides = Partial<Record<(typeof overrideNames)[number], string>>;

/**
 * The selection that the MCP server must get to see what this terminal sees: from the environment and the global options.
 * @throws RstreamError when RSTREAM_CONFIG names something that can never be a configuration
 */
export function currentOverrides(globals: Partial<GlobalOptions>, diagnostics: Diagnostic[]): Overrides {
  const config = globals.config ?? process.env['RSTREAM_CONFIG'];
  const apiUrl = globals.apiUrl ?? process.env['RSTREAM_API_URL'];
  const context = globals.context ?? process.env['RSTREAM_CONTEXT'];
  const overrides: Overrides = {
    ...(isSet(apiUrl) ? { RSTREAM_API_URL: apiUrl } : {}),
    ...(isSet(config) ? { RSTREAM_CONFIG: configPath({ flag: config }) } : {}),
    ...(isSet(context) ? { RSTREAM_CONTEXT: context } : {}),
  };
  const file = overrides.RSTREAM_CONFIG;
  if (file !== undefined && !isReadableFile(file)) {
    if (exists(file)) throw new RstreamError('ERR_RSTREAM_CONFIG_UNREADABLE', `${file} is not a file that you can read.`);
    diagnostics.push({
      code: 'rstream_config_missing',
      level: 'warning',
      message: `${file} does not exist yet; create a context before use.`,
    });
  }
  return overrides;
}

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

export function isReadableFile(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
