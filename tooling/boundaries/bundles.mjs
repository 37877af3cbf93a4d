// What must not be inside a bundle: checked on the bundler's list of inputs and on the built text itself.
import { readFileSync } from 'node:fs';

const bundles = [
  {
    app: 'hosted',
    file: 'apps/hosted/dist/app.cjs',
    inputs: /packages\/(webtty-server|webdav-sidecar|config|mcp-tools\/src\/runtime)/,
    text: ['serveCommands', 'rstream_webtty_exec', 'node-pty'],
  },
  {
    app: 'agent',
    file: 'apps/agent/dist/app.cjs',
    inputs: /packages\/(relay|auth-tokens|mcp-tools)/,
    text: ['rstream_runtime_status', 'create table'],
  },
  {
    app: 'cli',
    file: 'apps/cli/dist/app.cjs',
    // A share of files is served by the workstation itself, so the sidecar is inside; what runs commands is not.
    inputs: /packages\/(relay|auth-tokens|webtty-server)/,
    text: ['create table'],
  },
];

let failed = false;
const report = (sentence) => {
  failed = true;
  process.stderr.write(`bundle check: ${sentence}\n`);
};

for (const { app, file, inputs, text } of bundles) {
  const meta = JSON.parse(readFileSync(`apps/${app}/dist/metafile-cjs.json`, 'utf8'));
  for (const input of Object.keys(meta.inputs))
    if (inputs.test(input)) report(`${file} holds ${input}, which is behind its trust boundary`);
  const built = readFileSync(file, 'utf8');
  for (const word of text)
    if (built.includes(word)) report(`${file} holds the text "${word}", which belongs behind another trust boundary`);
  process.stdout.write(`${file}: ${(built.length / 1024).toFixed(0)} KiB, ${Object.keys(meta.inputs).length} modules\n`);
}
process.exit(failed ? 1 : 0);
