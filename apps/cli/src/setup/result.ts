import { printResult, type OutputMode } from '../output.ts';

export interface Diagnostic {
  readonly code: string;
  readonly level: 'info' | 'warning' | 'error';
  /** Never holds the value of an environment variable. */
  readonly message: string;
}

/** What a started MCP server said of itself. */
export interface Verification {
  readonly status: 'verified' | 'failed';
  readonly protocol_version?: string;
  readonly server_name?: string;
  readonly server_version?: string;
  readonly tool_count?: number;
  readonly required_tools: readonly string[];
  /** Why it failed. */
  readonly message?: string;
}

export type SetupStatus =
  'installed' | 'already_configured' | 'repaired' | 'conflict' | 'verification_failed' | 'removed' | 'not_installed';

/** Result of a setup command, with the keys of the published command line. */
export interface SetupResult {
  readonly changed: boolean;
  readonly status: SetupStatus;
  /** The client's configuration file. */
  readonly config: string;
  readonly command: string;
  /** The client must be started anew, or its tools reloaded. */
  readonly reload_required: boolean;
  readonly diagnostics: readonly Diagnostic[];
  readonly verification?: Verification;
}

/** Prints a result: the whole of it for programs, and a line for people also with `none`, because setting up is done by hand. */
export async function printSetup(mode: OutputMode, result: SetupResult): Promise<void> {
  if (mode !== 'none') return printResult(mode, result, () => describe(result));
  process.stdout.write(`${describe(result)}\n`);
}

function describe({ status, config, diagnostics, reload_required, verification }: SetupResult): string {
  const lines = [`${status.replaceAll('_', ' ')}: ${config}`];
  for (const { level, message } of diagnostics) if (level !== 'info') lines.push(`${level}: ${message}`);
  if (verification?.status === 'verified') lines.push(`verified: ${verification.tool_count ?? 0} tools answer`);
  if (reload_required) lines.push('Start a new task, or restart the client: running ones keep what they had.');
  return lines.join('\n');
}
