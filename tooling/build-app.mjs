// Bundles the app in the current folder into one file that needs nothing but Node and optional native packages, and puts a short
// launcher in front of it: the compile cache covers only what is loaded after it was turned on.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'tsup';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const [name] = Object.keys(manifest.bin);
const native = Object.keys(manifest.optionalDependencies ?? {});
// Stays outside of the bundle: everything else is inside, whatever list of externals there is.
const outside = ['node:', ...native.map((dependency) => `${dependency}$`)].join('|');

rmSync('dist', { recursive: true, force: true });
await build({
  entry: { app: 'src/bin.ts' },
  // CommonJS, because it requires a built-in module only where it is used; an ES module loads all of them before its first line.
  format: 'cjs',
  outExtension: () => ({ js: '.cjs' }),
  shims: false,
  outDir: 'dist',
  target: 'node22',
  platform: 'node',
  splitting: false,
  treeshake: false,
  minify: false,
  sourcemap: false,
  dts: false,
  silent: true,
  removeNodeProtocol: false,
  config: false,
  metafile: true,
  noExternal: [new RegExp(`^(?!${outside})`)],
  external: ['bufferutil', 'utf-8-validate', 'pg-native', ...native],
  esbuildOptions(options) {
    options.conditions = ['@rstream/source', 'import', 'node'];
    options.define = { 'import.meta.url': '__filename', 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' };
    // Names stay: a stack trace in a report is readable, and keeping them apart from the code would cost a call for each function.
    options.minifyWhitespace = true;
    options.minifySyntax = true;
    options.legalComments = 'none';
  },
});

// Every read of a socket allocates 64 KiB outside the heap. By default V8 collects them with a full collection for each 64 MB moved, which was
// half of the CPU of a download; these flags make it a collection of the young generation for each 4 MB, on the main thread because
// there is next to nothing to copy. With 16 MB some runs fell back into full collections. Measured with V8 13.6 (Node 24); other versions call the flags otherwise, and complain about them.
const flags = ['--scavenger-max-new-space-capacity-mb=1', '--no-parallel-scavenge'];
const launcher = `dist/${name}.js`;
const [major, minor] = manifest.engines.node.replace('>=', '').split('.');
writeFileSync(
  launcher,
  `#!/usr/bin/env node
import * as nodeModule from 'node:module';
import { setFlagsFromString } from 'node:v8';
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < ${major} || (major === ${major} && minor < ${minor})) {
  process.stderr.write(\`${name}: this is Node \${process.versions.node}; ${name} needs ${major}.${minor} or newer.\\n  next: install Node 24.\\n\`);
  process.exit(1);
}
if (process.versions.v8.startsWith('13.6.')) for (const flag of ${JSON.stringify(flags)}) setFlagsFromString(flag);
nodeModule.enableCompileCache();
await import('./app.cjs');
`,
);
chmodSync(launcher, 0o755);
