import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { defineCommand } from '../../command.ts';
import { flag, text, usage } from '../../option.ts';
import { outputOption } from '../../output.ts';
import { readClientFile, replaceClientFile } from '../../setup/client-file.ts';
import { checkWithCodex } from '../../setup/codex-check.ts';
import { codexBlock, planCodexEntry, removeCodexEntry } from '../../setup/codex-entry.ts';
import { currentOverrides } from '../../setup/environment.ts';
import { launchCommand } from '../../setup/executable.ts';
import { printSetup, type Diagnostic, type SetupResult } from '../../setup/result.ts';
import { verifyServer } from '../../setup/verify-server.ts';

export const command = defineCommand({
  summary: 'add the rstream MCP server to Codex',
  description:
    'Edits only [mcp_servers.rstream] in the configuration of Codex and keeps comments, order and everything else. ' +
    'Running it again changes nothing. Codex itself is not needed.',
  options: {
    config: text('--config <file>', 'configuration of Codex (CODEX_HOME/config.toml, or ~/.codex/config.toml)'),
    command: text('--command <file>', 'program to start instead of this one'),
    force: flag('--force', 'replace an entry that somebody changed'),
    print: flag('--print', 'print the entry and change nothing'),
    verify: flag('--verify', 'then start the server and list its tools'),
    check: flag('--check', 'then ask Codex itself whether it sees the tools'),
    remove: flag('--remove', 'take the entry out again'),
    output: outputOption('none'),
  },
  examples: ['rstream codex setup --verify', 'rstream codex setup --print', 'rstream codex setup --remove'],
  async run({ options, globals, signal }) {
    const { force, print, verify, check, remove } = options;
    if (print && (verify || check || remove || force)) throw usage('--print goes with no other action.');
    if (remove && (verify || check || force)) throw usage('--remove goes with no other action.');
    const diagnostics: Diagnostic[] = [];
    const launch = launchCommand(options.command);
    const overrides = currentOverrides(globals, diagnostics);
    if (print) {
      process.stdout.write(codexBlock({ launch, overrides }));
      return 0;
    }
    const file = configFile(options.config);
    const before = await readClientFile(file);
    const plan = remove ? removeCodexEntry(before, file) : planCodexEntry(before, { launch, overrides }, { file, force });
    const changed = plan.source !== before;
    if (changed) await replaceClientFile(file, { before, after: plan.source });
    diagnostics.push(...plan.diagnostics);
    if (check && plan.status !== 'conflict') diagnostics.push(await checkWithCodex(file, signal));
    const verification = verify && plan.status !== 'conflict' ? await verifyServer(launch, overrides, signal) : undefined;
    const failed = verification?.status === 'failed';
    const result: SetupResult = {
      changed,
      status: failed ? 'verification_failed' : plan.status,
      config: file,
      command: launch.command,
      reload_required: changed,
      diagnostics: verification === undefined ? diagnostics : [...diagnostics, verificationDiagnostic(verification.message)],
      ...(verification === undefined ? {} : { verification }),
    };
    await printSetup(options.output, result);
    if (plan.status === 'conflict')
      throw new RstreamError('ERR_RSTREAM_SETUP_CONFLICT', `${file} has an rstream entry that setup did not write.`);
    if (failed) throw new RstreamError('ERR_RSTREAM_SETUP_VERIFICATION', verification.message);
    return diagnostics.some(({ level }) => level === 'error') ? 1 : 0;
  },
});

function verificationDiagnostic(problem: string | undefined): Diagnostic {
  if (problem === undefined) return { code: 'verification_succeeded', level: 'info', message: 'The server answers.' };
  return { code: 'verification_failed', level: 'error', message: problem };
}

function configFile(given: string | undefined): string {
  if (given !== undefined) return resolve(given);
  const home = process.env['CODEX_HOME'];
  return join(home === undefined || home === '' ? join(homedir(), '.codex') : resolve(home), 'config.toml');
}
