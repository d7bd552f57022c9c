import { fromEnv, rounds } from '../support/rounds.ts';
import { describeKillLoop } from './kill-suite.ts';

const { CCXRI_SEED: seed = '1', CCXRI_ONLY: only } = process.env;

// A failure names its seed and chain: `CCXRI_SEED=1 CCXRI_ONLY=37` runs that one again.
describeKillLoop({
  seed,
  kills: fromEnv('CCXRI_KILLS', rounds({ brief: 7, full: 200 })),
  only: only === undefined ? undefined : Number(only),
});
