import { defineCommand } from '../../../command.ts';
import { remoteLocation } from '../../../files/location.ts';
import { pathOf } from '../../../files/path.ts';
import { remoteOptions, withFiles } from '../../../files/with-files.ts';
import { writeFile } from '../../../files/write.ts';
import { flag, text, usage } from '../../../option.ts';
import { outputOption, printResult } from '../../../output.ts';

export const command = defineCommand({
  summary: 'write stdin to a file of a device',
  description:
    'The old content is there until all of the new one has arrived. What exists is not overwritten without --force, or --if-match with ' +
    'the ETag that stat shows. A lost connection ends it: stdin cannot be read twice.',
  arguments: [{ name: '<path>', about: 'path inside the root, or rstrm://NAME/PATH' }],
  options: {
    ...remoteOptions,
    force: flag('--force', 'replace what is there'),
    ifMatch: text('--if-match <etag>', 'replace this state of the file and no other'),
    output: outputOption('none'),
  },
  examples: ['date | rstream webtty fs write --url rstrm://pi /date.txt --force'],
  async run({ args: [path = ''], options: { fsPath, force, ifMatch, output, ...options }, globals, signal }) {
    const { url, segments } = remoteLocation(path, options.url);
    if (process.stdin.isTTY)
      throw usage('The content must be piped in.', 'For example: rstream webtty fs write rstrm://pi/notes.txt < notes.txt');
    if (ifMatch !== undefined && !/^"[^"]*"$/.test(ifMatch)) throw usage('An ETag is written with its quotes, as stat shows it.');
    const written = await withFiles({ url, fsPath, globals, signal }, (client) =>
      writeFile(client, segments, process.stdin, { signal, replace: force || (ifMatch ?? false) }),
    );
    await printResult(output, { path: pathOf(segments), ...written }, () => `${pathOf(segments)}  ${written.bytes} bytes`);
  },
});
