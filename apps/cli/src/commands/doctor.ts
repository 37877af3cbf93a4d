import { styleText } from 'node:util';
import { defineCommand } from '../command.ts';
import type { CheckStatus, DoctorReport } from '../doctor/check.ts';
import { examine } from '../doctor/examine.ts';
import { contextFlags } from '../globals.ts';
import { outputOption, printResult, printable } from '../output.ts';

export const command = defineCommand({
  summary: 'find out why something does not work',
  description:
    'Looks at the configuration, the token, the way to the engine and what it answers. Exit code 1 when a check fails. Prints no secret.',
  options: { output: outputOption('table') },
  examples: ['rstream doctor', 'rstream doctor --context home -o json'],
  async run({ options, globals, signal }) {
    const report = await examine(contextFlags(globals), signal);
    await printResult(options.output, report, () => describe(report));
    return report.summary.fail === 0 ? 0 : 1;
  },
});

const colours = { pass: 'green', warn: 'yellow', fail: 'red', skip: 'dim' } as const satisfies Record<CheckStatus, string>;

function describe({ checks, summary }: DoctorReport): string {
  const lines = checks.map(({ name, status, message, details }) => {
    const next = status === 'fail' && typeof details?.['next'] === 'string' ? `\n      next: ${details['next']}` : '';
    return `${styleText(colours[status], status.padEnd(4), { stream: process.stdout })}  ${name.padEnd(18)}  ${printable(message)}${next}`;
  });
  return [...lines, '', `${summary.pass} pass, ${summary.warn} warn, ${summary.fail} fail, ${summary.skip} skip`].join('\n');
}
