import { defineCommand } from '../../../command.ts';
import { remoteLocation } from '../../../files/location.ts';
import { readFile } from '../../../files/read.ts';
import { remoteOptions, withFiles } from '../../../files/with-files.ts';
import { text, usage } from '../../../option.ts';
import { pumpOutput } from '../../../standard-streams.ts';

/** First and last byte of a range; the last one may be open, or the first one for the end of the file. */
function parseRange(written: string | undefined): string | undefined {
  if (written === undefined) return undefined;
  const [, first = '', last = ''] = /^(\d{0,15})-(\d{0,15})$/.exec(written) ?? [];
  const isRange = (first !== '' || last !== '') && (first === '' || last === '' || Number(first) <= Number(last));
  if (!isRange) throw usage(`"${written}" is not a range such as 0-99, 100- or -500.`);
  return `bytes=${first}-${last}`;
}

export const command = defineCommand({
  summary: 'print a file of a device',
  description: 'Bytes as they are, to stdout. After a lost connection it goes on where it stopped, as long as the file is the same.',
  arguments: [{ name: '<path>', about: 'path inside the root, or rstrm://NAME/PATH' }],
  options: { ...remoteOptions, range: text('--range <first-last>', 'bytes to read: 0-99, 100- or -500 for the end') },
  examples: ['rstream webtty fs read --url rstrm://pi /etc/motd', 'rstream webtty fs read rstrm://pi/app.log --range -1000'],
  async run({ args: [path = ''], options: { fsPath, range, ...options }, globals, signal }) {
    const { url, segments } = remoteLocation(path, options.url);
    const wanted = parseRange(range);
    await withFiles({ url, fsPath, globals, signal }, (client) =>
      pumpOutput(readFile(client, segments, { signal, ...(wanted === undefined ? {} : { range: wanted }) }), process.stdout),
    );
  },
});
