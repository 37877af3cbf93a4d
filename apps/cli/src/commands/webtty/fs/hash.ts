import { FileHashAlgorithm } from '@rstream/protocol/files';
import { defineCommand } from '../../../command.ts';
import { remoteLocation } from '../../../files/location.ts';
import { pathOf } from '../../../files/path.ts';
import { persist } from '../../../files/persist.ts';
import { remoteOptions, withFiles } from '../../../files/with-files.ts';
import { choice } from '../../../option.ts';
import { outputOption, printable, printResult } from '../../../output.ts';

export const command = defineCommand({
  summary: 'compute the hash of a file on the device',
  description: 'The device reads the file; nothing of it passes through this machine.',
  arguments: [{ name: '<path>', about: 'path inside the root, or rstrm://NAME/PATH' }],
  options: {
    ...remoteOptions,
    algorithm: choice('--algorithm <name>', ['sha256', 'sha512', 'sha1', 'md5'], { about: 'which hash', fallback: 'sha256' }),
    output: outputOption('table'),
  },
  examples: ['rstream webtty fs hash --url rstrm://pi /image.iso', 'rstream webtty fs hash rstrm://pi/image.iso --algorithm md5 -o json'],
  async run({ args: [path = ''], options: { fsPath, algorithm, output, ...options }, globals, signal }) {
    const { url, segments } = remoteLocation(path, options.url);
    const wanted = FileHashAlgorithm.parse(algorithm);
    const found = await withFiles({ url, fsPath, globals, signal }, (client) =>
      persist(() => client.hash(segments, wanted, signal), { signal }),
    );
    const { hash, size, etag } = found;
    await printResult(output, { path: pathOf(segments), algorithm, hash, size, etag }, () => `${hash}  ${printable(pathOf(segments))}`);
  },
});
