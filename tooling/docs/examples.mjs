// Compiles every TypeScript block of the READMEs against the sources, so that an example cannot rot.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const readmes = [
  'README.md',
  ...['packages', 'apps'].flatMap((group) => readdirSync(group).map((name) => join(group, name, 'README.md'))),
].filter((file) => existsSync(file));

const files = [];
for (const readme of readmes) {
  const found = [...readFileSync(readme, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  if (found.length === 0) continue;
  // Beside the README, so that the package's own name, its dependencies and relative paths resolve as they do for a reader.
  found.forEach(([, code], index) => {
    const file = join(readme, '..', `readme-example-${index + 1}.ts`);
    writeFileSync(file, `${code}\nexport {};\n`);
    files.push(file);
  });
}
const config = 'tsconfig.examples.json';
writeFileSync(
  config,
  JSON.stringify({
    extends: './tsconfig.json',
    compilerOptions: { noUnusedLocals: false },
    include: files.map((file) => file.replaceAll('\\', '/')),
  }),
);
const result = files.length === 0 ? { status: 0 } : spawnSync(join('node_modules', '.bin', 'tsc'), ['-p', config], { encoding: 'utf8' });
for (const file of files) rmSync(file, { force: true });
rmSync(config, { force: true });
if (result.status !== 0) process.stderr.write(result.stdout ?? '');
process.stdout.write(`${files.length} examples in ${readmes.length} READMEs\n`);
process.exit(result.status ?? 1);
