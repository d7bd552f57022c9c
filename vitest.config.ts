import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/long/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // A rejection nobody waited for is a bug in the code under test, never noise.
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
