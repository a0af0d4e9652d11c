import { defineConfig } from 'vitest/config';

/** Workspace packages resolve to their TypeScript source, so that no test can pass on a stale build. */
const conditions = ['@pilotlight/source'];

export default defineConfig({
  resolve: { conditions: [...conditions, 'import', 'node', 'default'] },
  ssr: { resolve: { conditions: [...conditions, 'import', 'node', 'default'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/src/**/*.test.tsx',
      'test/**/*.test.ts',
      'examples/**/*.test.ts',
    ],
    // The runner leaves one processor free by itself; most of our tests wait for processes, not for that.
    maxWorkers: 2,
    globalSetup: ['test/support/global-setup.ts'],
    // A sandbox of the cloud may have to wait for its turn.
    testTimeout: process.env.PILOTLIGHT_E2E === 'cloud' ? 120_000 : 30_000,
    hookTimeout: 60_000,
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'test-results/vitest.json' },
  },
});
