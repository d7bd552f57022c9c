import { defineConfig } from 'vitest/config';

/** `npm run test:long` (scripts/test-long.mjs): kills at random moments, faults, fuzz, soak. */
export default defineConfig({
  test: {
    include: ['test/{faults,fuzz,long,servers}/**/*.test.ts'],
    // What they are made of is tested once, by `npm test`.
    exclude: ['test/fuzz/{found,harness}.test.ts'],
    testTimeout: 30 * 60_000,
    hookTimeout: 60_000,
    globalSetup: ['test/support/build-once.ts', 'test/fuzz/table.ts', 'test/servers/table.ts'],
    setupFiles: ['test/support/equal-bytes.ts'],
    // Each of them starts processes of its own: one file at a time.
    maxWorkers: 1,
  },
});
