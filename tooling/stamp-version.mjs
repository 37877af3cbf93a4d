// After `changeset version`: the product reports the version that its packages carry.
import { readFileSync, writeFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync('packages/protocol/package.json', 'utf8'));
const file = 'packages/protocol/src/version.ts';
writeFileSync(file, readFileSync(file, 'utf8').replace(/productVersion = '[^']*'/, `productVersion = '${version}'`));
