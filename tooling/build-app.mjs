// Bundles the app in the current folder into one ESM file that needs nothing but Node and optional native packages.
import { readFileSync, rmSync } from 'node:fs';
import { build } from 'tsup';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const [name] = Object.keys(manifest.bin);
const native = Object.keys(manifest.optionalDependencies ?? {});

rmSync('dist', { recursive: true, force: true });
await build({
  entry: { [name]: 'src/bin.ts' },
  format: 'esm',
  outDir: 'dist',
  target: 'node22',
  platform: 'node',
  splitting: false,
  treeshake: false,
  minify: true,
  sourcemap: false,
  dts: false,
  silent: true,
  removeNodeProtocol: false,
  config: false,
  metafile: true,
  noExternal: [/^(?!node:)/],
  external: ['bufferutil', 'utf-8-validate', 'pg-native', ...native],
  esbuildOptions(options) {
    options.conditions = ['@rstream/source', 'import', 'node'];
    options.keepNames = true;
    options.legalComments = 'none';
    options.banner = {
      js: [
        '#!/usr/bin/env node',
        "import { createRequire as __rstreamCreateRequire } from 'node:module';",
        'const require = __rstreamCreateRequire(import.meta.url);',
      ].join('\n'),
    };
  },
});
