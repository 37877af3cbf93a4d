import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

test('the example of the README is the one that the compiler checks', async () => {
  const [readme, example] = await Promise.all(
    ['../README.md', './readme-example.ts'].map((path) => readFile(new URL(path, import.meta.url), 'utf8')),
  );
  const shown = /```ts\n(.*?)```/s.exec(readme ?? '')?.[1];
  const compiled = (example ?? '').split(/^\/\/ README.*\n/m)[1]?.replace('export const stream', 'const stream');
  expect(shown).toBe(compiled);
});
