import { describeKillLoop } from '../faults/kill-suite.ts';

const { CCXRI_SEED: seed = '1', CCXRI_KILLS: kills = '200', CCXRI_ONLY: only } = process.env;

// A failure names its seed and chain: `CCXRI_SEED=1 CCXRI_ONLY=37` runs that one again.
describeKillLoop({
  seed,
  kills: Number(kills),
  only: only === undefined ? undefined : Number(only),
});
