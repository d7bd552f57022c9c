import { rounds } from '../support/rounds.ts';
import { describeMany } from './many-suite.ts';

const { CCXRI_SEED: seed = rounds({ short: 'brief', brief: '1', full: '1' }) } = process.env;

describeMany({ count: rounds({ short: 4, brief: 6, full: 20 }), seed });
