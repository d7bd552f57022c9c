import { configDefaults, defineConfig } from 'vitest/config';

/** The loops, which `npm run test:long` runs; what they are made of is tested here. */
const FUZZ = 'test/fuzz/!(found|harness).test.ts';

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One more than the cores that a small machine has: much of a test is waiting for disks, servers and threads.
    maxWorkers: 3,
    setupFiles: ['test/support/set-up.ts'],
    // A rejection nobody waited for is a bug in the code under test, never noise.
    dangerouslyIgnoreUnhandledErrors: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'library',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, 'test/{e2e,faults,long,servers}/**', FUZZ],
          // To load src/ anew for each file would take a fifth of the time of all tests.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'program',
          include: ['test/e2e/**/*.test.ts'],
          // These run dist/, so it is built first: only here, for it takes some seconds.
          globalSetup: ['test/support/build-once.ts'],
        },
      },
    ],
  },
});
