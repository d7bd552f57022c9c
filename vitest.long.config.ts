import { defineConfig } from 'vitest/config';

/** `npm run test:long`: the loops that take minutes (kills at random moments, fuzz, soak). */
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    passWithNoTests: true,
    testTimeout: 30 * 60_000,
    hookTimeout: 60_000,
    globalSetup: ['test/support/build-once.ts', 'test/fuzz/table.ts'],
    // Each of them starts processes of its own: one file at a time.
    maxWorkers: 1,
  },
});
