import { fromEnv, rounds } from '../support/rounds.ts';
import { describeSoak } from './soak-suite.ts';

const { CCXRI_SEED: seed = rounds({ short: 'brief', brief: '1', full: '1' }) } = process.env;

describeSoak({
  archives: fromEnv('CCXRI_SOAK', rounds({ short: 24, brief: 40, full: 500 })),
  seed,
  // How long it takes, against a run without faults, is asked of the full one alone.
  mostTimes: rounds({ short: Infinity, brief: Infinity, full: 3 }),
});
