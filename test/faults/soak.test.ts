import { describeSoak } from './soak-suite.ts';

// 500 in test/long/, where it is asked how long it takes, too.
describeSoak({ archives: 24, seed: 'brief', mostTimes: Infinity });
