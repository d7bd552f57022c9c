import { defineConfig } from 'vitest/config';
import { LEVEL } from './test/support/rounds.ts';

/** `npm run test:long` (scripts/test-long.mjs): kills at random moments, faults, fuzz, soak. */
export default defineConfig({
  test: {
    include: ['test/{faults,fuzz,long,servers}/**/*.test.ts'],
    exclude: [
      // What they are made of is tested once, by `npm test`.
      'test/fuzz/{found,harness}.test.ts',
    ],
    testTimeout: 30 * 60_000,
    hookTimeout: 60_000,
    globalSetup: ['test/support/build-once.ts', 'test/fuzz/table.ts', 'test/servers/table.ts'],
    setupFiles: ['test/support/set-up.ts'],
    // Most of it is waiting. A full run compares times: one file after the other.
    maxWorkers: LEVEL === 'full' ? 1 : 3,
  },
});
