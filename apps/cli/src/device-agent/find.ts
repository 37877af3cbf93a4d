import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { findExecutable, isExecutable } from '../setup/executable.ts';

/** The program of the device side. */
export const AGENT = 'rstream-agent';

/** How to start a program. */
export interface ProgramStart {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * Finds `rstream-agent`: where RSTREAM_AGENT_BIN says, beside this program, in this checkout, or on PATH.
 * @throws RstreamError `ERR_RSTREAM_AGENT_NOT_FOUND`
 */
export function findAgent(given: string | undefined, script: string): ProgramStart {
  if (given !== undefined && given !== '') {
    if (!existsSync(given)) throw new RstreamError('ERR_RSTREAM_AGENT_NOT_FOUND', `RSTREAM_AGENT_BIN names ${given}, which is not there.`);
    return startOf(given);
  }
  const real = existsSync(script) ? realpathSync(script) : script;
  const beside = [script, real].map((path) => join(dirname(path), AGENT));
  const found = [...beside, ...inCheckout(real)].find(isExecutable) ?? findExecutable(AGENT);
  if (found === undefined) throw new RstreamError('ERR_RSTREAM_AGENT_NOT_FOUND');
  return startOf(found);
}

/** The launcher of a checkout, which is two folders above the app. */
function inCheckout(script: string): readonly string[] {
  const app = dirname(dirname(script));
  return basename(dirname(app)) === 'apps' ? [join(dirname(dirname(app)), 'bin', AGENT)] : [];
}

/** A script is run by this Node: on some systems nothing else would. */
function startOf(path: string): ProgramStart {
  return /\.[cm]?[jt]s$/.test(path) ? { command: process.execPath, args: [path] } : { command: path, args: [] };
}
