/* One end of a variant as a process: `worker.ts server VARIANT` prints its port; `worker.ts client VARIANT PORT` runs the cases
   that come in as JSON lines. Both answer {"do":"cpu"}. */
import { createInterface } from 'node:readline';
import { runCase, serve, type Case, type Open } from './stream-cases.ts';
import { variants, type VariantName } from './variants.ts';

const [side, name, port] = process.argv.slice(2);
const variant = variants[name as VariantName];
const answer = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

let open: Open | undefined;
if (side === 'server') answer({ port: await variant.listen(serve) });
else open = await variant.dial(Number(port));

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Case | { do: 'cpu' };
  if (command.do === 'cpu' || open === undefined) {
    answer({ cpuMs: cpuMs() });
    continue;
  }
  const before = { at: performance.now(), cpu: cpuMs() };
  await runCase(open, command);
  answer({ ms: performance.now() - before.at, cpuMs: cpuMs() - before.cpu });
}
process.exit(0);
