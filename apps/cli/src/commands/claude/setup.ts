import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { RstreamError } from '@rstream/protocol';
import { defineCommand } from '../../command.ts';
import { choice, flag, text } from '../../option.ts';
import { outputOption } from '../../output.ts';
import { currentOverrides } from '../../setup/environment.ts';
import { commandLine, findExecutable, launchCommand } from '../../setup/executable.ts';
import { printSetup, type Diagnostic, type SetupStatus } from '../../setup/result.ts';
import { verifyServer } from '../../setup/verify-server.ts';

const CLAUDE_TIMEOUT_MS = 30_000;
const run = promisify(execFile);

export const command = defineCommand({
  summary: 'add the rstream MCP server to Claude Code',
  description: 'Runs "claude mcp add". An entry of the same name is left alone unless --force is given.',
  options: {
    scope: choice('--scope <scope>', ['local', 'project', 'user'], { about: 'who sees the server', fallback: 'user' }),
    name: text('--name <name>', 'name of the server (rstream)'),
    command: text('--command <file>', 'program to start instead of this one'),
    force: flag('--force', 'replace an entry of the same name'),
    print: flag('--print', 'print the entry and the command line, and change nothing'),
    verify: flag('--verify', 'then start the server and list its tools'),
    output: outputOption('none'),
  },
  examples: ['rstream claude setup --verify', 'rstream claude setup --scope project', 'rstream claude setup --print'],
  async run({ options, globals, signal }) {
    const { scope, force, print, verify, name = 'rstream' } = options;
    const diagnostics: Diagnostic[] = [];
    const launch = launchCommand(options.command);
    const overrides = currentOverrides(globals, diagnostics);
    const environment = Object.entries(overrides).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
    const add = ['mcp', 'add', name, '--scope', scope, ...environment, '--', launch.command, ...launch.args];
    if (print) {
      const entry = { type: 'stdio', command: launch.command, args: launch.args, ...(environment.length === 0 ? {} : { env: overrides }) };
      const shown = { mcpServers: { [name]: entry } };
      process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n\n${commandLine({ command: 'claude', args: add })}\n`);
      return;
    }
    const claude = findExecutable('claude');
    if (claude === undefined) {
      throw new RstreamError('ERR_RSTREAM_SETUP_FAILED', 'claude is not on PATH.', {
        next: 'Install Claude Code, or put the output of --print into .mcp.json.',
      });
    }
    const present = await output(claude, ['mcp', 'get', name], signal);
    const exists = present !== undefined;
    if (exists && !force && !present.includes(launch.command)) {
      throw new RstreamError('ERR_RSTREAM_SETUP_CONFLICT', `Claude Code has another server named "${name}".`);
    }
    if (force && exists) await output(claude, ['mcp', 'remove', name, '--scope', scope], signal);
    const unchanged = exists && !force;
    if (!unchanged) await addServer(claude, add, signal);
    const verification = verify ? await verifyServer(launch, overrides, signal) : undefined;
    const failed = verification?.status === 'failed';
    const status: SetupStatus = failed ? 'verification_failed' : unchanged ? 'already_configured' : exists ? 'repaired' : 'installed';
    await printSetup(options.output, {
      changed: !unchanged,
      status,
      config: `claude mcp (${scope})`,
      command: launch.command,
      reload_required: !unchanged,
      diagnostics,
      ...(verification === undefined ? {} : { verification }),
    });
    if (failed) throw new RstreamError('ERR_RSTREAM_SETUP_VERIFICATION', verification.message);
  },
});

/** What the command printed; undefined when it failed. */
async function output(claude: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  return run(claude, [...args], { signal, timeout: CLAUDE_TIMEOUT_MS }).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}

async function addServer(claude: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await run(claude, [...args], { signal, timeout: CLAUDE_TIMEOUT_MS });
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    throw new RstreamError('ERR_RSTREAM_SETUP_FAILED', `"claude mcp add" failed: ${stderr.trim().split('\n')[0] ?? ''}`, {
      next: 'Use --force when a server of that name exists, or --print to add it by hand.',
      cause,
    });
  }
}
