// Builds the library in the current folder: one ESM file per export (tsup), declarations beside them (tsc).
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'tsup';

const require = createRequire(import.meta.url);
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const entries = Object.values(manifest.exports)
  .map((target) => target['@rstream/source'])
  .filter(Boolean);

rmSync('dist', { recursive: true, force: true });
await build({
  entry: Object.fromEntries(entries.map((file) => [file.replace('./src/', '').replace(/\.tsx?$/, ''), file])),
  format: 'esm',
  outDir: 'dist',
  target: 'es2024',
  platform: 'neutral',
  splitting: true,
  treeshake: true,
  sourcemap: true,
  dts: false,
  silent: true,
  removeNodeProtocol: false,
  config: false,
  external: [/^node:/, /^@rstream\//],
});
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
