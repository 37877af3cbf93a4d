import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { limits, localErrors, wireErrors, type ErrorEntry } from '@rstream/protocol';
import type { Limit } from '@rstream/protocol/limits';

/** Cells of each table row whose first cell is a name in backticks; read here on its own, not by the generator. */
function rowsOf(document: string): string[][] {
  const text = readFileSync(new URL(`../../../docs/${document}`, import.meta.url), 'utf8');
  const cells = text.split(/\r?\n/).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  );
  return cells.flatMap(([name = '', ...rest]) => (/^`.+`$/.test(name) ? [[name.slice(1, -1), ...rest]] : []));
}

const byText = (a = '', b = ''): number => (a < b ? -1 : Number(a > b));

describe('docs/ERRORS.md', () => {
  const rows = rowsOf('ERRORS.md');

  it('has a row for every code, and no row for anything else', () => {
    expect(rows.map(([code]) => code).sort(byText)).toEqual([...Object.keys(wireErrors), ...Object.keys(localErrors)].sort(byText));
  });

  it('says of each code what the code says', () => {
    const wire = Object.entries<ErrorEntry>(wireErrors).map(([code, entry]) => [
      code,
      `${entry.status ?? ''}`,
      `${entry.wire ?? ''}`,
      entry.about,
      entry.next,
    ]);
    const local = Object.entries<ErrorEntry>(localErrors).map(([code, entry]) => [code, entry.about, entry.next]);
    const byName = (a: string[], b: string[]): number => byText(a[0], b[0]);
    expect(rows.sort(byName)).toEqual([...wire, ...local].sort(byName));
  });
});

describe('docs/LIMITS.md', () => {
  const rows = rowsOf('LIMITS.md');
  const table = Object.entries<Readonly<Record<string, Limit>>>(limits).flatMap(([area, entries]) =>
    Object.entries(entries).map(([key, limit]) => [`${area}.${key}`, `${limit.default}`, limit.unit, limit.about]),
  );

  it('has a row for every limit, and no row for anything else', () => {
    expect(rows.map(([name]) => name).sort(byText)).toEqual(table.map(([name]) => name).sort(byText));
  });

  it('says of each limit its default, its unit and what it bounds', () => {
    expect(rows).toEqual(table);
  });
});
