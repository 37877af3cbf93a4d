import { defineCommand } from '../command.ts';
import { flag } from '../option.ts';
import { outputOption, printResult } from '../output.ts';
import type { FilesClient } from './client.ts';
import { remoteLocation } from './location.ts';
import { pathOf } from './path.ts';
import { explain } from './upload-options.ts';
import { remoteOptions, withFiles } from './with-files.ts';

/** Moves or copies on the device itself. A trailing slash, or a folder that is there, takes it in under its own name. */
async function relocate(
  client: FilesClient,
  method: 'MOVE' | 'COPY',
  {
    from,
    to,
    isInto,
    force,
    signal,
  }: { from: readonly string[]; to: readonly string[]; isInto: boolean; force: boolean; signal: AbortSignal },
): Promise<string> {
  const into = isInto || (await client.stat(to, signal))?.kind === 'directory';
  const target = into ? [...to, from.at(-1) ?? ''] : to;
  const headers = { destination: client.address(target), overwrite: force ? 'T' : 'F' };
  try {
    await client.tell(method, from, { headers, signal });
  } catch (error) {
    throw explain(error, target, force);
  }
  return pathOf(target);
}

/** The commands `mv` and `cp`, which differ in one word. */
export function relocation(name: 'mv' | 'cp', method: 'MOVE' | 'COPY', summary: string) {
  return defineCommand({
    summary,
    description: 'Nothing passes through this machine. What exists is not replaced without --force. Into a folder that is there.',
    arguments: [
      { name: '<from>', about: 'path inside the root, or rstrm://NAME/PATH' },
      { name: '<to>', about: 'path on the same device' },
    ],
    options: { ...remoteOptions, force: flag('--force', 'replace what is there'), output: outputOption('none') },
    examples: [
      `rstream webtty fs ${name} --url rstrm://pi /a.txt /archive/`,
      `rstream webtty fs ${name} rstrm://pi/a.txt rstrm://pi/b.txt --force`,
    ],
    async run({ args: [from = '', to = ''], options: { fsPath, force, output, ...options }, globals, signal }) {
      const source = remoteLocation(from, options.url);
      const target = remoteLocation(to, source.url);
      const path = await withFiles({ url: source.url, fsPath, globals, signal }, (client) =>
        relocate(client, method, { from: source.segments, to: target.segments, isInto: to.endsWith('/'), force, signal }),
      );
      await printResult(output, { from: pathOf(source.segments), to: path }, () => `${pathOf(source.segments)} -> ${path}`);
    },
  });
}
