import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@rstream/source', 'module', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@rstream/source', 'module', 'node', 'import', 'default'] } },
  test: {
    include: ['{packages,apps,tooling}/*/test/**/*.test.ts'],
    exclude: ['tooling/interop/**', '**/node_modules/**'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    pool: 'forks',
    execArgv: ['--conditions=@rstream/source'],
  },
});
