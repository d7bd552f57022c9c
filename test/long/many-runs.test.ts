import { describeMany } from '../faults/many-suite.ts';

describeMany({ count: 20, seed: process.env['CCXRI_SEED'] ?? '1' });
