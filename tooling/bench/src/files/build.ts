import { join } from 'node:path';
import { build } from 'tsup';

/** Bundles the server that is measured as an app is bundled: what reads sources at run time costs memory of its own. */
export async function buildServer(folder: string): Promise<string> {
  await build({
    entry: { server: join(import.meta.dirname, 'server.ts') },
    format: 'cjs',
    outExtension: () => ({ js: '.cjs' }),
    outDir: join(folder, 'built'),
    platform: 'node',
    target: 'node22',
    silent: true,
    config: false,
    dts: false,
    splitting: false,
    noExternal: [/.*/],
    esbuildOptions(options) {
      options.conditions = ['@rstream/source', 'import', 'node'];
    },
  });
  return join(folder, 'built', 'server.cjs');
}
