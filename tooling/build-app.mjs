// Bundles the app in the current folder into one ESM file that needs nothing but Node and optional native packages, and puts a
// three-line launcher in front of it: the compile cache covers only what is loaded after it was turned on.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'tsup';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const [name] = Object.keys(manifest.bin);
const native = Object.keys(manifest.optionalDependencies ?? {});

rmSync('dist', { recursive: true, force: true });
await build({
  entry: { app: 'src/bin.ts' },
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
        "import { createRequire as __rstreamCreateRequire } from 'node:module';",
        'const require = __rstreamCreateRequire(import.meta.url);',
      ].join('\n'),
    };
  },
});

const launcher = `dist/${name}.js`;
writeFileSync(
  launcher,
  "#!/usr/bin/env node\nimport { enableCompileCache } from 'node:module';\nenableCompileCache();\nawait import('./app.js');\n",
);
chmodSync(launcher, 0o755);
