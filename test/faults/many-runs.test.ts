import { describeMany } from './many-suite.ts';

// Twenty of them are at work in test/long/.
describeMany({ count: 4, seed: 'brief' });
