// Bundles the page into one script and one style sheet whose names say what is in them, and puts them with the page itself into
// `dist/page.json`, packed: whoever serves the page imports that file.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const { outputFiles } = await build({
  entryPoints: { page: 'src/page/main.tsx', style: 'src/page/style.css' },
  outdir: 'dist',
  write: false,
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: ['chrome109', 'firefox115', 'safari16.4'],
  conditions: ['@rstream/source'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  define: { 'process.env.NODE_ENV': '"production"' },
});

const types = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', html: 'text/html; charset=utf-8' };
const packed = (name, text) => ({
  name,
  type: types[name.split('.').at(-1)],
  gzip: gzipSync(text, { level: 9 }).toString('base64'),
});
const hashed = (extension) => {
  const file = outputFiles.find(({ path }) => path.endsWith(`.${extension}`));
  const hash = createHash('sha256').update(file.contents).digest('base64url').slice(0, 16);
  return { name: `page-${hash}.${extension}`, text: file.text };
};

const [script, style] = [hashed('js'), hashed('css')];
const html = readFileSync('src/page/page.html', 'utf8').replace('{script}', script.name).replace('{style}', style.name);
rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
const files = [packed('index.html', html), packed(script.name, script.text), packed(style.name, style.text)];
writeFileSync('dist/page.json', `${JSON.stringify({ files })}\n`);
for (const { name, gzip } of files) process.stdout.write(`${name}: ${((gzip.length * 3) / 4 / 1024).toFixed(1)} KiB packed\n`);
