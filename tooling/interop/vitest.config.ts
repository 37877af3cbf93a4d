import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@rstream/source', 'module', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@rstream/source', 'module', 'node', 'import', 'default'] } },
  test: {
    root: import.meta.dirname,
    include: ['test/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    fileParallelism: false,
    execArgv: ['--conditions=@rstream/source'],
  },
});
