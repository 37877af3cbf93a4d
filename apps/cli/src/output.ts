import { styleText } from 'node:util';
import { choice } from './option.ts';

/** Output modes of commands that show something. */
export const outputModes = ['table', 'json', 'yaml', 'none'] as const;
export type OutputMode = (typeof outputModes)[number];

/** The `-o` option with this command's default. */
export function outputOption(fallback: OutputMode) {
  return choice('-o, --output <mode>', outputModes, { about: 'how to print the result', fallback });
}

/** A column of a table: its title and how to read a row. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => string | undefined>>;

/** Terminal control characters from names and labels that other people chose must not reach the terminal. */
// oxlint-disable-next-line no-control-regex -- these are what is removed
export const printable = (value: string): string => value.replace(/[\u0000-\u001F\u007F-\u009F]/g, '�');

/** Lines of a table with aligned columns; the last column is not padded. */
export function formatTable<Row>(rows: readonly Row[], columns: Columns<Row>): string {
  const titles = Object.keys(columns);
  const cells = rows.map((row) => Object.values(columns).map((read) => printable(read(row) ?? '') || '-'));
  const widths = titles.map((title, at) => Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (values: readonly string[]) =>
    values.map((value, at) => (at === values.length - 1 ? value : value.padEnd(widths[at] ?? 0))).join('  ');
  const head = styleText('bold', line(titles), { stream: process.stdout });
  return [head, ...cells.map(line)].join('\n');
}

/** `name: value` lines of one thing, without what is empty. */
export function formatFields(fields: object): string {
  const shown = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && value !== '');
  return shown.map(([name, value]) => `${name}: ${printable(String(value))}`).join('\n');
}

/** Prints a value for machines as it is, or for people by `table`; `none` prints nothing. */
export async function printResult(mode: OutputMode, value: unknown, table: () => string): Promise<void> {
  if (mode === 'none') return;
  if (mode === 'json') process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  else if (mode === 'yaml') process.stdout.write((await import('yaml')).stringify(value));
  else process.stdout.write(`${table()}\n`);
}
