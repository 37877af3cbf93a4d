import { Option, type Command } from 'commander';
import { RstreamError } from '@rstream/protocol';
import { exportRecording, exportFormats, type ExportFormat } from './export.ts';
import { list } from './list.ts';
import type { Print, PrintFlags } from './printing.ts';
import { show } from './show.ts';
import { verify } from './verify.ts';

/** Adds `rstream-agent recordings …`: what is kept on this device, read in place. */
export function addRecordingsCommand(program: Command, print: Print): void {
  const group = program.command('recordings').description('recordings of sessions on this machine: list, show, verify, export');
  group.action(() => {
    throw new RstreamError('ERR_RSTREAM_AGENT_CONFIG', 'Say what to do with the recordings: list, show, verify or export.', {
      next: 'Run: rstream-agent recordings --help',
    });
  });
  const add = (usage: string, about: string): Command =>
    group.command(usage).description(about).requiredOption('--dir <dir>', 'folder of the recordings (recording.directory)');
  const output = new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text');
  add('list', 'recordings, oldest first: when, who, how long')
    .addOption(output)
    .action((flags: PrintFlags) => list(flags, print));
  add('show <recording>', 'what is known of one recording: by its name, or the id of its session')
    .addOption(output)
    .action((recording: string, flags: PrintFlags) => show(recording, flags, print));
  add('verify [recordings...]', 'check recordings, or all, against their hash chains; exit code 1 when one is not intact')
    .addOption(output)
    .addHelpText('after', '\nWhoever can write both a recording and its .chain file can make a pair that is intact: copy chains elsewhere.')
    .action((recordings: string[], flags: PrintFlags) => verify(recordings, flags, print));
  add('export <recording>', 'write one recording to standard output')
    .addOption(new Option('--format <format>', 'asciicast v3 or v2, or text as a person saw it').choices(exportFormats).default('v3'))
    .action((recording: string, { dir, format }: { readonly dir: string; readonly format: ExportFormat }) =>
      exportRecording(recording, dir, format),
    );
}
