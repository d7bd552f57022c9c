import { fromEnv, rounds } from '../support/rounds.ts';
import { describeSoak } from './soak-suite.ts';

const { CCXRI_SEED: seed = '1' } = process.env;

describeSoak({
  archives: fromEnv('CCXRI_SOAK', rounds({ brief: 40, full: 500 })),
  seed,
  // How long it takes, against a run without faults, is asked of the full one alone.
  mostTimes: rounds({ brief: Infinity, full: 3 }),
});
