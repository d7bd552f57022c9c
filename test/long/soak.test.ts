import { describeSoak } from '../faults/soak-suite.ts';

const { CCXRI_SEED: seed = '1', CCXRI_SOAK: archives = '500' } = process.env;

describeSoak({ archives: Number(archives), seed, mostTimes: 3 });
