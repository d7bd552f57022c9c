import { rounds } from '../support/rounds.ts';
import { describeMany } from './many-suite.ts';

const { CCXRI_SEED: seed = '1' } = process.env;

describeMany({ count: rounds({ brief: 6, full: 20 }), seed });
