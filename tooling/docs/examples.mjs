// Compiles every TypeScript block of the READMEs against the sources, so that an example cannot rot.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const readmes = [
  'README.md',
  ...['packages', 'apps'].flatMap((group) => readdirSync(group).map((name) => join(group, name, 'README.md'))),
].filter((file) => existsSync(file));

let blocks = 0;
const folders = [];
for (const readme of readmes) {
  const found = [...readFileSync(readme, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  if (found.length === 0) continue;
  // Beside the README, so that the package's own name and its dependencies resolve as they do for a user.
  const folder = join(readme, '..', '.examples');
  folders.push(folder);
  mkdirSync(folder, { recursive: true });
  found.forEach(([, code], index) => writeFileSync(join(folder, `example-${index + 1}.ts`), `${code}\nexport {};\n`));
  blocks += found.length;
}
const config = 'tsconfig.examples.json';
writeFileSync(
  config,
  JSON.stringify({ extends: './tsconfig.json', compilerOptions: { noUnusedLocals: false }, include: folders.map((folder) => `${folder.replaceAll('\\', '/')}/*.ts`) }),
);
const result = folders.length === 0 ? { status: 0 } : spawnSync(join('node_modules', '.bin', 'tsc'), ['-p', config], { encoding: 'utf8' });
for (const folder of folders) rmSync(folder, { recursive: true, force: true });
rmSync(config, { force: true });
if (result.status !== 0) process.stderr.write(result.stdout ?? '');
process.stdout.write(`${blocks} examples in ${readmes.length} READMEs\n`);
process.exit(result.status ?? 1);
