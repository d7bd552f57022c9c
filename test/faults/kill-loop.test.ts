import { describeKillLoop } from './kill-suite.ts';

// A few of the 200 of test/long/.
describeKillLoop({ seed: 'brief', kills: 5 });
