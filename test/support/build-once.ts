import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Before all tests: dist/ as src/ is now, for the tests that run the built program. */
export default function buildOnce(): void {
  const tsx = createRequire(import.meta.url).resolve('tsx/cli');
  const build = [tsx, 'scripts/build.ts', '--if-stale'];
  const { status } = spawnSync(process.execPath, build, { cwd: root, stdio: 'inherit' });
  // While it cannot be built, the tests that need it fail by themselves, and the others run.
  if (status !== 0) console.error('the build failed: tests of the built program will fail');
}
