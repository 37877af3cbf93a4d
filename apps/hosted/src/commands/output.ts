import { Option } from 'commander';

export type OutputFormat = 'table' | 'json' | 'yaml';

/** `-o`, the same on every command that prints data. */
export const outputOption = (): Option =>
  new Option('-o, --output <format>', 'how to print the result').choices(['table', 'json', 'yaml']).default('table');

/** Prints rows for people or the whole value for programs. */
export async function print(format: OutputFormat, value: unknown, rows: readonly Readonly<Record<string, string>>[]): Promise<void> {
  if (format === 'json') process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  else if (format === 'yaml') process.stdout.write((await import('yaml')).stringify(value));
  else process.stdout.write(table(rows));
}

function table(rows: readonly Readonly<Record<string, string>>[]): string {
  const [first] = rows;
  if (first === undefined) return 'none\n';
  const names = Object.keys(first);
  const lines = [names.map((name) => name.toUpperCase()), ...rows.map((row) => names.map((name) => row[name] ?? ''))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
