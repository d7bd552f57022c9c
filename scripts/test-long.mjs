// `npm run test:long [-- --full] [vitest's arguments]`: the loops that take minutes. Without --full
// each kind runs, in fewer rounds (test/support/rounds.ts).
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const given = process.argv.slice(2);
const level = given.includes('--full') ? 'full' : 'brief';
const vitest = dirname(createRequire(import.meta.url).resolve('vitest/package.json'));
const args = [
  'run',
  '--config',
  'vitest.long.config.ts',
  ...given.filter((arg) => arg !== '--full'),
];
const { status } = spawnSync(process.execPath, [join(vitest, 'vitest.mjs'), ...args], {
  stdio: 'inherit',
  env: { ...process.env, CCXRI_LEVEL: level },
});
process.exitCode = status ?? 1;
