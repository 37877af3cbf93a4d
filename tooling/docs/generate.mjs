// Writes docs/ERRORS.md and docs/LIMITS.md from the tables in packages/protocol.
//   node --conditions=@rstream/source tooling/docs/generate.mjs [--check]
// --check writes nothing and fails when a document is not what the tables say.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const source = join(root, 'packages', 'protocol', 'src');
const load = (...path) => import(pathToFileURL(join(source, ...path)).href);

const areaTitles = {
  tunnel: 'Sessions, carriers and tunnels',
  tokens: 'Tokens',
  config: 'Configuration and contexts',
  webtty: 'WebTTY',
  webdav: 'Filesystem sidecar',
  agent: 'Device agent',
  hosted: 'Hosted process',
  cli: 'Command line',
  mcp: 'MCP tools',
  mux: 'Multiplexer',
  carrier: 'Carriers',
  relay: 'Relay',
  edge: 'Public edge',
  control: 'REST API',
};
const titleOf = (area) => areaTitles[area] ?? area;
const row = (...cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
const table = (head, rows) => [row(...head), row(...head.map(() => '---')), ...rows].join('\n');

/** The local tables by area, one `local-<area>.ts` each, in the order of the titles. */
async function localAreas() {
  const areas = readdirSync(join(source, 'errors')).flatMap((file) => /^local-(.+)\.ts$/.exec(file)?.[1] ?? []);
  const order = Object.keys(areaTitles);
  areas.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return Promise.all(areas.map(async (area) => [area, Object.values(await load('errors', `local-${area}.ts`))[0]]));
}

async function errorsDocument() {
  const { wireErrors } = await load('errors', 'wire.ts');
  const wireRows = Object.entries(wireErrors).map(([code, { status, wire, about, next }]) =>
    row(`\`${code}\``, status ?? '', wire ?? '', about, next),
  );
  const local = (await localAreas()).map(([area, entries]) =>
    [
      `### ${titleOf(area)}`,
      table(
        ['Code', 'What happened', 'What to do'],
        Object.entries(entries).map(([code, { about, next }]) => row(`\`${code}\``, about, next)),
      ),
    ].join('\n\n'),
  );
  return [
    '# Errors',
    'Every error has a stable code, a sentence and a next step. Written by `tooling/docs/generate.mjs` from `packages/protocol/src/errors`; do not edit.',
    '## Errors that cross a wire',
    'In a refused stream, a control message, the body `{ "error", "code", "next" }` of a REST answer, or the header `rstream-error` of an edge page. The number is that of the published `rstrm/1` protocol.',
    table(['Code', 'HTTP', 'Number', 'What happened', 'What to do'], wireRows),
    '## Errors of one process',
    'Shown by the program that meets them, never sent to a peer.',
    ...local,
  ].join('\n\n');
}

async function limitsDocument() {
  const { limits } = await load('limits', 'index.ts');
  const areas = Object.entries(limits).map(([area, entries]) =>
    [
      `## ${titleOf(area)}`,
      table(
        ['Limit', 'Default', 'Unit', 'What it bounds'],
        Object.entries(entries).map(([key, limit]) => row(`\`${area}.${key}\``, limit.default, limit.unit, limit.about)),
      ),
    ].join('\n\n'),
  );
  return [
    '# Limits',
    'Every buffer, count, wait and size has a name and a default. Written by `tooling/docs/generate.mjs` from `packages/protocol/src/limits`; do not edit.',
    ...areas,
  ].join('\n\n');
}

const check = process.argv.includes('--check');
const stale = [];
for (const [name, text] of [
  ['ERRORS.md', `${await errorsDocument()}\n`],
  ['LIMITS.md', `${await limitsDocument()}\n`],
]) {
  const file = join(root, 'docs', name);
  let current = '';
  try {
    current = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  } catch {
    // Not written yet.
  }
  if (current === text) continue;
  if (check) stale.push(`docs/${name}`);
  else writeFileSync(file, text);
}
if (stale.length > 0) {
  process.stderr.write(
    `${stale.join(' and ')} do not match the tables. Run: node --conditions=@rstream/source tooling/docs/generate.mjs\n`,
  );
  process.exitCode = 1;
}
