import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// `npm run test:portable`: the tests that need no program beside Node, and nothing of a POSIX system. Every system of
// .ci/matrix.yml runs them; `npm test` runs all.

const root = fileURLToPath(new URL('.', import.meta.url));
/** Folders of tests of the whole program, of real servers, and of loops. */
const WHOLE =
  /^(?:docs|e2e|faults|fuzz|long|serve|servers|bench|report|description|demo|doctor|http)[\\/]/;
/** What other systems have not, or have otherwise. */
const NEEDS =
  /node:child_process|symlink|chmod|mkfifo|\bumask|getuid|SIG[A-Z]{3,}|\/proc\/|\/dev\/|'\/tmp|process\.kill|support\/(?:mounts|nginx|inject|strace|program|children|real-servers|slurm|daemon|browser|pandas|pil|certificate|full-disk|process-group|resources|[a-z-]+-child|http-clients|rdflib|duckdb)\b/;

const all = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => path.replaceAll('\\', '/'));
/** These ask each system for what it has, and say what they skip. */
const ASKS = /^platforms\//;
const portable = all.filter(
  (path) =>
    ASKS.test(path) ||
    (!WHOLE.test(path) && !NEEDS.test(readFileSync(join(root, 'test', path), 'utf8'))),
);
console.warn(
  `SKIPPED: ${all.length - portable.length} of ${all.length} files of tests, which need a POSIX system, servers or other programs`,
);

export default defineConfig({
  test: {
    name: 'portable',
    include: portable.map((path) => `test/${path}`),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    isolate: false,
    setupFiles: ['test/support/set-up.ts'],
  },
});
