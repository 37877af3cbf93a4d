/* `npm run bench -- mux|edge|exec|mcp|webtty|files [--quick]`: runs one benchmark with its peers in the same run, prints the rows and the
   targets, and writes `bench/results/<name>.json`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { machine, type BenchOptions, type BenchResult } from './result.ts';

const benches: Readonly<Record<string, () => Promise<{ run(options: BenchOptions): Promise<BenchResult> }>>> = {
  mux: () => import('./mux/index.ts'),
  edge: () => import('./edge/index.ts'),
  exec: () => import('./exec/index.ts'),
  mcp: () => import('./mcp/index.ts'),
  webtty: () => import('./webtty/index.ts'),
  files: () => import('./files/index.ts'),
};

const [name, ...flags] = process.argv.slice(2);
const load = name === undefined ? undefined : benches[name];
if (name === undefined || load === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join('|')} [--quick]`);
  process.exit(2);
}

const quick = flags.includes('--quick');
const bench = await load();
const result = await bench.run({ quick });

console.table(result.rows);
console.table(result.targets);
for (const peer of result.absent ?? []) console.log(`absent: ${peer}`);

const folder = resolve(import.meta.dirname, '../../../bench/results', quick ? 'local' : '.');
mkdirSync(folder, { recursive: true });
const file = join(folder, `${name}.json`);
writeFileSync(file, `${JSON.stringify({ ...result, date: new Date().toISOString(), quick, machine: machine() }, undefined, 2)}\n`);
console.log(`written: ${file}`);
