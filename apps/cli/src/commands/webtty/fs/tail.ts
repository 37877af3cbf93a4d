import { defineCommand } from '../../../command.ts';
import { remoteLocation } from '../../../files/location.ts';
import { tailFile } from '../../../files/tail.ts';
import { remoteOptions, withFiles } from '../../../files/with-files.ts';
import { flag, integer, usage } from '../../../option.ts';
import { interruptedStatus } from '../../../interrupted.ts';
import { pumpOutput } from '../../../standard-streams.ts';

const MOST_LINES = 1_000_000;
const DEFAULT_LINES = 10;

export const command = defineCommand({
  summary: 'print the end of a file of a device',
  description: 'With -f also what is added to it, until Ctrl-C; after a lost connection it goes on where it was.',
  arguments: [{ name: '<path>', about: 'path inside the root, or rstrm://NAME/PATH' }],
  options: {
    ...remoteOptions,
    lines: integer('-n, --lines <count>', `lines (${DEFAULT_LINES})`, { min: 0, max: MOST_LINES }),
    bytes: integer('-c, --bytes <count>', 'bytes in place of lines', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    follow: flag('-f, --follow', 'and what is added to it'),
  },
  examples: ['rstream webtty fs tail --url rstrm://pi /var/log/app.log -n 100', 'rstream webtty fs tail -f rstrm://pi/app.log'],
  async run({ args: [path = ''], options: { fsPath, lines, bytes, follow, ...options }, globals, signal }) {
    if (lines !== undefined && bytes !== undefined) throw usage('--lines and --bytes exclude each other.');
    const { url, segments } = remoteLocation(path, options.url);
    const amount = bytes === undefined ? { lines: lines ?? DEFAULT_LINES } : { bytes };
    try {
      await withFiles({ url, fsPath, globals, signal }, (client) =>
        pumpOutput(tailFile(client, segments, { ...amount, follow, signal }), process.stdout),
      );
    } catch (error) {
      // Ctrl-C is how following ends.
      const status = follow ? interruptedStatus(signal) : undefined;
      if (status === undefined) throw error;
      return status === 130 ? 0 : status;
    }
    return 0;
  },
});
