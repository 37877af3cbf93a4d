import { defineCommand } from '../../../command.ts';
import { printLogs } from '../../../job/logs.ts';
import { jobArguments, jobUrl } from '../../../job/options.ts';
import { readOutput } from '../../../job/read.ts';
import { withJob } from '../../../job/with-job.ts';
import { choice, duration, flag, integer, usage } from '../../../option.ts';
import { limits } from '@rstream/protocol/limits';

const offset = { min: 0, max: Number.MAX_SAFE_INTEGER };

export const command = defineCommand({
  summary: 'read the output of a job',
  description:
    'From the given offsets on. Text writes both streams as they are. JSON is one piece, how the job stands, and ' +
    'next_stdout_offset and next_stderr_offset for the next piece; complete is true when there is nothing more to come.',
  arguments: jobArguments,
  options: {
    url: jobUrl,
    follow: flag('--follow', 'with text: go on until the job has ended'),
    wait: duration('--wait <time>', 'with -o json: wait so long for the end of the job, or for as much as may be returned'),
    stdoutOffset: integer('--stdout-offset <bytes>', 'skip so much of stdout (default 0)', offset),
    stderrOffset: integer('--stderr-offset <bytes>', 'skip so much of stderr (default 0)', offset),
    maxBytes: integer('--max-bytes <bytes>', `stop after so much of both (with -o json default ${limits.webtty.keptOutput.default})`, {
      min: 16,
      max: 268_435_456,
    }),
    output: choice('-o, --output <mode>', ['text', 'json'], { about: 'text: the bytes themselves', fallback: 'text' }),
  },
  examples: [
    'rstream webtty job logs rstrm://pi#ses_4f1c --follow',
    'rstream webtty job logs rstrm://pi#ses_4f1c --stdout-offset 4096 --wait 30s -o json',
  ],
  async run({ args: [job], options, globals, signal }) {
    const { url, follow, wait: waitMs = 0, stdoutOffset = 0, stderrOffset = 0, maxBytes, output } = options;
    if (output === 'json' && follow) throw usage('--follow is for text; with -o json use --wait.');
    if (output === 'text' && waitMs > 0) throw usage('--wait is for -o json; as text use --follow.');
    await withJob({ job, url, globals }, async (device, id) => {
      const range = { stdoutOffset, stderrOffset, signal };
      if (output === 'text') return printLogs(device, id, { ...range, follow, maxBytes: maxBytes ?? Infinity });
      const piece = await readOutput(device, id, { ...range, waitMs, maxBytes: maxBytes ?? limits.webtty.keptOutput.default });
      process.stdout.write(`${JSON.stringify(piece, undefined, 2)}\n`);
    });
  },
});
