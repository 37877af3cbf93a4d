// `npm run check`: every check that is not a test, in order of speed; all run, and the failures are named at the end.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const bin = (name) => join('node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name);
const libraries = readdirSync('packages').filter((name) => {
  const file = join('packages', name, 'package.json');
  return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).private !== true;
});
const webPackages = ['protocol', 'control-client', 'webtty-client', 'webtty-page'];

const steps = [
  ['types', bin('tsc'), ['-p', 'tsconfig.json']],
  ...webPackages.map((name) => [`web types of ${name}`, bin('tsc'), ['-p', `packages/${name}/tsconfig.json`]]),
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings']],
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', 'packages', 'apps', 'tooling', '*.json', '*.ts']],
  [
    'boundaries',
    bin('depcruise'),
    ['--config', 'tooling/boundaries/dependency-cruiser.cjs', '--output-type', 'err', 'packages/*/src', 'apps/*/src'],
  ],
  ['unused code', bin('knip'), []],
  [
    'documents',
    process.execPath,
    ['--conditions=@rstream/source', '--disable-warning=ExperimentalWarning', 'tooling/docs/generate.mjs', '--check'],
  ],
  ['examples', process.execPath, ['tooling/docs/examples.mjs']],
  ['bundles', process.execPath, ['tooling/boundaries/bundles.mjs']],
  ...libraries.flatMap((name) => [
    [`package ${name}`, bin('publint'), ['--strict', '--pack', 'pnpm', `packages/${name}`]],
    [`types of ${name} as published`, bin('attw'), ['--pack', `packages/${name}`, '--profile', 'esm-only']],
  ]),
];

const only = process.argv.slice(2);
const failures = [];
for (const [name, command, args] of steps) {
  if (only.length > 0 && !only.some((word) => name.includes(word))) continue;
  const started = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', shell: process.platform === 'win32' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? 'ok  ' : 'FAIL'}  ${name} (${seconds} s)\n`);
  if (status !== 0) {
    failures.push(name);
    process.stdout.write(`${[stdout, stderr, error?.message].filter(Boolean).join('\n').split('\n').slice(-60).join('\n')}\n`);
  }
}
process.stdout.write(failures.length === 0 ? 'every check passed\n' : `failed: ${failures.join(', ')}\n`);
process.exit(failures.length === 0 ? 0 : 1);
