import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { productVersion, protocolVersion } from '../src/index.ts';

const root = resolve(import.meta.dirname, '../../..');
const manifests = ['packages', 'apps'].flatMap((group) =>
  readdirSync(join(root, group)).map(
    (name) => JSON.parse(readFileSync(join(root, group, name, 'package.json'), 'utf8')) as Record<string, unknown>,
  ),
);

describe('versions', () => {
  it('the product reports the version that every published package carries', () => {
    const published = manifests.filter((manifest) => manifest['private'] !== true);
    expect(published.map(({ name, version }) => `${String(name)}@${String(version)}`)).toEqual(
      published.map(({ name }) => `${String(name)}@${productVersion}`),
    );
  });

  it('the protocol version is MAJOR.MINOR.PATCH', () => {
    expect(protocolVersion).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
